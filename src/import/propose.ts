import type { Candidate } from './candidate.ts';
import { confidenceOf } from './confidence.ts';
import type { Field } from './fields.ts';
import type { Line } from './lines.ts';
import { readDates, readSeverity, readStatus, type Stated } from './state.ts';
import type {
  ImportedKind,
  ImportedSection,
  ImportedSectionKey,
  ImportedStatus,
  ImportProposal,
  Lines,
} from './types.ts';

/** Turns a candidate into a proposal; `ofAll` is the state that the head of the text gives to everything. */
export function propose(
  candidate: Candidate,
  lines: readonly Line[],
  ofAll: Stated<ImportedStatus> | undefined,
): Omit<ImportProposal, 'occurrence'> {
  const { at, end, title, body } = candidate;
  const status = readStatus(candidate, ofAll);
  const kind = kindOf(candidate, status?.value);
  const severity = readSeverity(candidate);
  const { discovered, resolved } = readDates(candidate, kind === 'resolved');
  const { sections, rest } = sectionsOf(candidate, lines);
  const id = title.id ?? body.fields.find(({ meaning }) => meaning === 'id')?.value ?? null;
  const last = lastWritten(lines, at, end);
  return {
    title: title.title,
    rawTitle: title.raw,
    rule: candidate.rule,
    id: id === null || id.length > 60 ? null : id,
    line: at + 1,
    endLine: last + 1,
    kind,
    status: status?.value ?? null,
    severity: severity?.value ?? null,
    dates: { discovered: discovered?.value ?? null, resolved: resolved?.value ?? null },
    sections,
    rest,
    provenance: {
      title: [{ line: at + 1, endLine: at + 1 }],
      kind: linesOf(status),
      status: linesOf(status),
      severity: linesOf(severity),
      discovered: linesOf(discovered),
      resolved: linesOf(resolved),
    },
    ...confidenceOf(candidate, sections.length, status?.weak === true),
  };
}

function kindOf({ body }: Candidate, status: ImportedStatus | undefined): ImportedKind {
  if (status === 'resolved') return 'resolved';
  const comesAndGoes = body.fields.some(
    ({ meaning, value }) =>
      (meaning === 'status' || meaning === 'frequency') &&
      /\b(?:intermittent|sporadic|flaky|sporadisch)\b/i.test(value),
  );
  return comesAndGoes ? 'intermittent' : 'active';
}

function linesOf(value: Stated<unknown> | undefined): readonly Lines[] {
  return (value?.lines ?? []).map((line) => ({ line: line + 1, endLine: line + 1 }));
}

/** The sections of records, by the meanings of labels. */
function sectionKeyOf({ meaning }: Field): ImportedSectionKey | undefined {
  switch (meaning) {
    case 'description':
    case 'rootCause':
    case 'workaround':
    case 'solution':
    case 'impactAssessment':
    case 'lessons':
    case 'evidence':
    case 'reproductionSteps':
      return meaning;
    case 'solutionDone':
    case 'solutionPlanned':
      return 'solution';
    default:
      return undefined;
  }
}

function sectionsOf(
  { body, lead, at }: Candidate,
  lines: readonly Line[],
): { readonly sections: readonly ImportedSection[]; readonly rest: readonly Lines[] } {
  const sections: ImportedSection[] = [];
  const rest: Lines[] = [];
  if (lead !== '') sections.push({ key: 'description', text: lead, lines: place(at, at), label: null });
  const firstLabel = body.fields.find((field) => sectionKeyOf(field) !== undefined)?.first ?? Infinity;
  for (const [first, last] of body.free) {
    const text = textOf(lines, first, last);
    // Text behind the first label that belongs to no label is part of no section, and neither is the head of a table.
    const isHead =
      lines.slice(first, last + 1).every(({ type }) => type === 'row' || type === 'blank') && last - first < 2;
    if (text === '' || isHead || (first > firstLabel && sections.some(({ key }) => key === 'description')))
      rest.push(place(first, last));
    else sections.push({ key: 'description', text, lines: place(first, last), label: null });
  }
  for (const field of body.fields) {
    const key = sectionKeyOf(field);
    const text = fieldText(field, lines);
    if (key !== undefined && text !== '' && !isNone(text))
      sections.push({ key, text, lines: place(field.first, field.last), label: field.label });
    else if (key !== undefined || field.meaning === null || field.meaning === 'kept' || field.last > field.first)
      rest.push(place(field.first, field.last));
  }
  return { sections: sections.sort((a, b) => a.lines.line - b.lines.line), rest: rest.sort((a, b) => a.line - b.line) };
}

/** "Workaround: none" states that there is none, so there is nothing to write down. */
function isNone(text: string): boolean {
  return /^(?:none|n\/a|no workaround|keine?r?|нет|无|ninguno|ninguna)(?:\s+(?:yet|currently|needed|required|known|available|at this time|so far))*[.\s]*$/i.test(
    text,
  );
}

function place(first: number, last: number): Lines {
  return { line: first + 1, endLine: last + 1 };
}

function fieldText({ value, first, last }: Field, lines: readonly Line[]): string {
  const below = textOf(lines, first + 1, last);
  return value === '' ? below : below === '' ? value : `${value}\n${below}`;
}

/** Lines as they are written, without blank lines around them and without common indentation. */
function textOf(lines: readonly Line[], first: number, last: number): string {
  const raws = lines.slice(first, last + 1).flatMap(({ type, raw }) => (type === 'skipped' ? [] : [raw.trimEnd()]));
  const written = raws.filter((raw) => raw !== '');
  const common = written.reduce((least, raw) => Math.min(least, raw.length - raw.trimStart().length), Infinity);
  return raws
    .map((raw) => raw.slice(Math.min(common, raw.length)))
    .join('\n')
    .replace(/^\n+|\n+$/g, '');
}

function lastWritten(lines: readonly Line[], at: number, end: number): number {
  let last = end - 1;
  while (last > at && ['blank', 'rule', 'skipped'].includes(lines[last]?.type ?? '')) last -= 1;
  return last;
}
