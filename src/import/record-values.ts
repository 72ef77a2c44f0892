import type { NewValue } from '../registry/edit/index.ts';
import { wordsIn } from '../util/words.ts';
import { meaningOf } from './labels.ts';
import { rowRule } from './rows.ts';
import type { ImportedKind, ImportedSection, ImportedSectionKey, ImportProposal, Lines } from './types.ts';

/** What a proposal says in the terms of the kind that it has. */
export interface RecordValues {
  /** Header labels, fields and lists, named as in `newRecord`. */
  readonly values: readonly NewValue[];
  /** What has no field, in the order of the text: the description, and the lines that the format has no place for. */
  readonly prose: readonly string[];
}

/** The section that holds the prose of each kind. Intermittent records have a list instead. */
export const proseOf = {
  active: 'Description',
  resolved: 'Problem Summary',
  intermittent: 'Investigation Notes',
} as const satisfies Record<ImportedKind, string>;

/** The field or list that a section of a proposal becomes. A key that is not here is prose. */
const fields: Record<ImportedKind, Partial<Record<ImportedSectionKey, string>>> = {
  active: {
    rootCause: 'Investigation Status.Root Cause',
    workaround: 'Investigation Status.Workarounds',
    solution: 'Proposed Solution',
    impactAssessment: 'Impact Assessment.Technical Impact',
    reproductionSteps: 'Reproduction Steps',
  },
  resolved: {
    rootCause: 'Root Cause.Technical Cause',
    solution: 'Solution Implemented.Changes Made',
    lessons: 'Lessons Learned.Prevention',
  },
  intermittent: {
    description: 'Detection Criteria.Symptoms',
    impactAssessment: 'Impact When Active',
  },
};

/**
 * Takes a proposal apart into values of a record. Nothing is invented: a value that no line states is not there. Nothing is lost:
 * a line that has no place, or says more than its value, is prose as it is written.
 * @param source The lines of the text that the proposal was read from.
 */
export function valuesOf(proposal: ImportProposal, source: readonly string[]): RecordValues {
  const { kind, sections } = proposal;
  const header = headerValues(proposal);
  const byField = new Map<string, string[]>();
  const prose: { readonly line: number; readonly text: string }[] = [];
  const isFirst = sections.findIndex(({ key }) => key === 'description');
  for (const [position, section] of sections.entries()) {
    const field = fieldFor(kind, section);
    if (field === undefined) {
      const text = position === isFirst ? section.text : linesOf(source, section.lines);
      prose.push({ line: section.lines.line, text: deepened(text) });
    } else
      byField.set(field, [
        ...(byField.get(field) ?? []),
        // The line of a row is all of its cells.
        proposal.rule === rowRule.name ? section.text : withRemark(section, source),
      ]);
  }
  for (const { line, endLine } of [...proposal.rest, ...unexpressed(proposal, source, header)]) {
    const text = linesOf(source, { line, endLine });
    // What a title says besides its name comes last.
    if (text !== '' && line === proposal.line) prose.push({ line: Infinity, text: proposal.rawTitle });
    else if (text !== '') prose.push({ line, text: deepened(text) });
  }
  return {
    values: [...header, ...[...byField].flatMap(([field, texts]) => fieldValues(field, texts))],
    prose: prose.toSorted((a, b) => a.line - b.line).map(({ text }) => text),
  };
}

/** The header labels whose values a line states. */
function headerValues({ kind, id, status, severity, dates }: ImportProposal): readonly NewValue[] {
  const stated: readonly (readonly [string, string | null])[] =
    kind === 'active'
      ? [
          ['Status', status],
          ['Severity', severity],
          ['Discovered', dates.discovered],
        ]
      : kind === 'resolved'
        ? [['Resolved', dates.resolved]]
        : [['Tracking Since', dates.discovered]];
  const tag = id !== null && /^[\w-]+$/.test(id) ? [['Tags', id] as const] : [];
  return [...stated.flatMap(([label, value]) => (value === null ? [] : [[label, value] as const])), ...tag];
}

function fieldFor(kind: ImportedKind, { key, label }: ImportedSection): string | undefined {
  if (kind === 'active' && key === 'solution' && label !== null && meaningOf(label) === 'solutionDone')
    return 'Investigation Status.Attempted Solutions';
  if (kind === 'active' && key === 'impactAssessment' && label !== null) {
    if (/\b(?:business|production|cost)\b/i.test(label)) return 'Impact Assessment.Business Impact';
    if (/\b(?:users?|customers?)\b/i.test(label)) return 'Impact Assessment.Users Affected';
  }
  return fields[kind][key];
}

/** A label such as "Fix applied (2025-10-12)" says more than its field, and so does what is between a label and its colon. */
function withRemark({ label, text, lines }: ImportedSection, source: readonly string[]): string {
  if (label === null) return text;
  if (/[([（\d]/.test(label)) return `${label}: ${text}`;
  const known = new Set([label, text].flatMap((one) => wordsIn(one.toLowerCase())));
  const first = (source[lines.line - 1] ?? '').replace(/^[\s#*+-]*/, '');
  return wordsIn(first.toLowerCase()).every((word) => known.has(word))
    ? text
    : `${first.replaceAll('**', '')}\n\n${text}`;
}

function fieldValues(field: string, texts: readonly string[]): readonly NewValue[] {
  const isList = field === 'Reproduction Steps' || field === 'Impact When Active';
  if (isList) return texts.flatMap(itemsOf).map((item) => [field, item]);
  const text = texts.join('\n\n');
  return [[field, field === 'Proposed Solution' ? deepened(text) : text]];
}

/** The items of a list, each with its lines; a text without a list is one item. */
function itemsOf(text: string): readonly string[] {
  const marked = /^(?:[-*+]|\d{1,3}[.)])[ \t]+/;
  const lines = text.split('\n');
  if (!marked.test(lines[0] ?? '')) return [text];
  const items: string[][] = [];
  for (const line of lines) {
    if (marked.test(line)) items.push([line.replace(marked, '')]);
    else items.at(-1)?.push(line.replace(/^ {1,3}/, ''));
  }
  return items.map((item) => item.join('\n').trim()).filter((item) => item !== '');
}

/** Rules, and the underline of a heading. */
const isRule = /^\s*(?:-(?:[ \t]*-){2,}|\*(?:[ \t]*\*){2,}|_(?:[ \t]*_){2,}|=+)[ \t]*$/;

/** Lines as they are written, without blank lines and rules around them and without common indentation. */
function linesOf(source: readonly string[], { line, endLine }: Lines): string {
  const lines = source.slice(line - 1, endLine);
  while (lines.length > 0 && isEmpty(lines[0])) lines.shift();
  while (lines.length > 0 && isEmpty(lines.at(-1))) lines.pop();
  const indents = lines.flatMap((one) => (one.trim() === '' ? [] : [/^ */.exec(one)?.[0].length ?? 0]));
  const common = Math.min(...indents);
  return lines.map((one) => one.slice(Math.min(common, one.length))).join('\n');
}

export function isEmpty(line: string | undefined): boolean {
  return line === undefined || line.trim() === '' || isRule.test(line);
}

/** A heading within the text of a section must be deeper than those of sections. */
function deepened(text: string): string {
  let fence: string | undefined;
  return text
    .split('\n')
    .map((line) => {
      const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1];
      if (fence !== undefined) {
        if (mark?.startsWith(fence) === true) fence = undefined;
        return line;
      }
      fence = mark;
      return line.replace(/^( {0,3})#{1,4}(?=\s)/, '$1#####');
    })
    .join('\n');
}

/** Words that a line about a value may consist of, besides the value: then the value says all that the line says. */
const aroundValues = new Set(
  (
    'status current state priority level date discovered identified found first seen reported on resolved resolution fixed fix ' +
    'solved done closed completed complete implemented open active unresolved investigating blocked won t wont problem issue bug known'
  ).split(' '),
);

const severityWords = new Set(
  'severity critical blocker p0 p1 p2 p3 high major severe medium moderate low minor trivial cosmetic'.split(' '),
);

/** Whether a text has no word that another one does not have, but for words about states and severities. */
export function saysAllOf(text: string, other: string): boolean {
  const known = new Set(wordsIn(other.toLowerCase()));
  return wordsIn(text.toLowerCase()).every(
    (word) => known.has(word) || aroundValues.has(word) || severityWords.has(word),
  );
}

/** The lines of a proposal that neither a section nor a value says, one by one. */
function unexpressed(
  proposal: ImportProposal,
  source: readonly string[],
  header: readonly NewValue[],
): readonly Lines[] {
  const covered = new Set<number>();
  for (const { line, endLine } of [...proposal.sections.map(({ lines }) => lines), ...proposal.rest])
    for (let at = line; at <= endLine; at += 1) covered.add(at);
  const found: Lines[] = [];
  const add = (line: number): void => {
    const last = found.at(-1);
    if (last !== undefined && last.line !== proposal.line && last.endLine === line - 1)
      found.splice(-1, 1, { line: last.line, endLine: line });
    else found.push({ line, endLine: line });
  };
  const given = header.map(([, value]) => value);
  const inTitle = proposal.sections.filter(({ lines }) => lines.line === proposal.line).map(({ text }) => text);
  const ordinal = /^\W*\d{1,4}(?:\.\d{1,3}){0,3}[.):]?(?=\s)/;
  const hasSeverity = header.some(([label]) => label === 'Severity');
  const saysMore = (text: string, texts: readonly string[]): boolean => {
    const known = new Set(texts.flatMap((one) => wordsIn(one.toLowerCase())));
    return wordsIn(text.toLowerCase()).some(
      (word) => !known.has(word) && !aroundValues.has(word) && !(hasSeverity && severityWords.has(word)),
    );
  };
  if (saysMore(proposal.rawTitle.replace(ordinal, ''), [proposal.title, ...given, ...inTitle])) add(proposal.line);
  const placed = linesOfValues(proposal, header);
  for (let line = proposal.line + 1; line <= proposal.endLine; line += 1) {
    const text = source[line - 1] ?? '';
    if (!covered.has(line) && !isEmpty(text) && (!placed.has(line) || saysMore(text, given))) add(line);
  }
  return found;
}

/** The lines that state a value which the record has. */
function linesOfValues({ kind, provenance }: ImportProposal, header: readonly NewValue[]): ReadonlySet<number> {
  const labels = new Set(header.map(([label]) => label));
  const stated = [
    provenance.kind,
    labels.has('Status') || kind === 'resolved' ? provenance.status : [],
    labels.has('Severity') ? provenance.severity : [],
    labels.has('Discovered') || labels.has('Tracking Since') ? provenance.discovered : [],
    labels.has('Resolved') ? provenance.resolved : [],
  ].flat();
  const lines = new Set<number>();
  for (const { line, endLine } of stated) for (let at = line; at <= endLine; at += 1) lines.add(at);
  return lines;
}

/** A proposal without the records that have taken the place of lines in it: they are read as what they are. */
export function beforeMarked(
  proposal: ImportProposal,
  marked: readonly Lines[],
  source: readonly string[],
): ImportProposal {
  const first = marked.find(({ line }) => line > proposal.line && line <= proposal.endLine);
  if (first === undefined) return proposal;
  const endLine = first.line - 1;
  const sections = proposal.sections.flatMap((section) => {
    const { line } = section.lines;
    if (section.lines.endLine <= endLine) return [section];
    const text = line > endLine ? '' : linesOf(source, { line, endLine });
    return text === '' ? [] : [{ ...section, text, lines: { line, endLine } }];
  });
  const rest = proposal.rest.flatMap((lines) =>
    lines.line > endLine ? [] : [{ line: lines.line, endLine: Math.min(lines.endLine, endLine) }],
  );
  return { ...proposal, endLine, sections, rest };
}
