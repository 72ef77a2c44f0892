import type { LabelMeaning } from './labels.ts';
import { labelName, meaningOf } from './labels.ts';
import type { Line } from './lines.ts';
import { headingLabel, isLabelHeading } from './titles.ts';

/** A label and the lines that belong to it. Indexes of lines, the last one inclusive. */
export interface Field {
  /** Null for a label that is none of ours. */
  readonly meaning: LabelMeaning | null;
  /** As written, without decoration and colon. */
  readonly label: string;
  readonly first: number;
  readonly last: number;
  /** What stands on the line of the label. */
  readonly value: string;
  /** What stands in brackets behind the label. */
  readonly remark: string;
  /** The first line of text below the label, and its index; empty and the label's if there is none. */
  readonly next: string;
  readonly nextAt: number;
}

/** The text below a title, taken apart. */
export interface Body {
  /** In order, without overlaps. */
  readonly fields: readonly Field[];
  /** Status, severity and date labels inside the text of another label. */
  readonly nested: readonly Field[];
  /** Runs of lines that belong to no label: first and last, inclusive. */
  readonly free: readonly (readonly [first: number, last: number])[];
}

interface Label {
  readonly label: string;
  readonly value: string;
  readonly remark: string;
  readonly meaning: LabelMeaning | null;
  readonly isBold: boolean;
}

const picture = String.raw`[\p{Extended_Pictographic}\u{1F7E0}-\u{1F7EB}\uFE0F\u200D]`;
const bold = new RegExp(
  String.raw`^(?:${picture}|\s)*(?:~~)?(\*\*|__|\*|_)(?!\s)(?:${picture}|\s)*(.{1,90}?)\1(?:\s*\(([^()]{1,60})\))?\s*([:：]|[-–—→](?=\s|$))?\s*(.*)$`,
  'u',
);
const plainLabel = new RegExp(
  String.raw`^(?:${picture}|\s)*(?:~~)?([\p{L}][\p{L}\p{M}\d /'’-]{0,40}?(?:\d\.\d{1,2})?)(?:\s*[(（][^()（）]{1,40}[)）])?\s*[:：]\s*(.*)$`,
  'u',
);

/** "✅ Implemented 2025-09-20" on a line of its own says how the problem stands. */
const ticked =
  /^(?:✅|☑|✔)\uFE0F?\s*(?:\*\*)?((?:fixed|resolved|solved|implemented|done|completed)(?:\*\*)?(?:\s*[-–—:(]?\s*(?:on |in |at )?v?\d[\d.-]{0,12}\)?)?)[.!]?$/iu;

/** The label that a line begins with. Bold labels may be unknown; plain ones must be ours. */
export function labelOf(text: string): Label | undefined {
  const [, state] = ticked.exec(text) ?? [];
  if (state !== undefined) return { label: 'Status', value: state, remark: '', meaning: 'status', isBold: true };
  const [, , inner = '', bracket = '', sign = '', rest = ''] = bold.exec(text) ?? [];
  if (inner !== '') {
    const colon = inner.search(/[:：]/);
    const label = (colon === -1 ? inner : inner.slice(0, colon)).trim();
    const remark = `${bracket} ${/[(（[]([^()（）[\]]*)[)）\]]/.exec(label)?.[1] ?? ''}`.trim();
    const value = colon === -1 ? rest : `${inner.slice(colon + 1)} ${rest.replace(/^[:：]\s*/, '')}`.trim();
    const meaning = meaningOf(label) ?? null;
    const isMarked = colon !== -1 || sign !== '';
    if (label !== '' && (meaning === null ? colon !== -1 || /[:：]/.test(sign) : isMarked || rest === '')) {
      return { label, value, remark, meaning, isBold: true };
    }
    return undefined;
  }
  const [, label = '', value = ''] = plainLabel.exec(text) ?? [];
  if (label === '' || label.split(/\s+/).length > 4) return undefined;
  // "State: open", but not "State: the worker waits for the lock".
  const meaning = label.toLowerCase() === 'state' && value.split(' ').length <= 2 ? 'status' : meaningOf(label);
  return meaning === undefined ? undefined : { label, value, remark: '', meaning, isBold: false };
}

interface Open extends Label {
  readonly first: number;
  readonly depth: number;
  /** Whether it is a plain label alone on its line, whose list ends at the next paragraph. */
  readonly isLoose: boolean;
}

const valuesOnly: ReadonlySet<LabelMeaning | null> = new Set<LabelMeaning | null>([
  'status',
  'severity',
  'priority',
  'discovered',
  'resolved',
  'date',
]);

/**
 * Takes the lines from `from` up to `to` apart: from a label to the next label of the same depth. Headings are labels if
 * their words are; other headings end what is before them.
 */
export function readBody(lines: readonly Line[], from: number, to: number): Body {
  const fields: Field[] = [];
  const nested: Field[] = [];
  const free: (readonly [number, number])[] = [];
  let open: Open | undefined;
  let start = from;
  let hadList = false;
  /** The indent of an item without a label: what is deeper belongs to the item. */
  let within = Infinity;
  const finish = (end: number): void => {
    const last = lastWritten(lines, start, end);
    const first = firstWritten(lines, start, last);
    if (open !== undefined)
      fields.push({
        ...fieldOf(open),
        first: open.first,
        last: Math.max(last, open.first),
        ...nextText(lines, open.first, last),
      });
    else if (first <= last) free.push([first, last]);
  };
  for (let index = from; index < to; index += 1) {
    const line = lines[index];
    if (line === undefined || line.type === 'code' || line.type === 'skipped') continue;
    if (line.type === 'blank') {
      // A state or a date is one line; the paragraph after it is the author's description.
      if (open !== undefined && valuesOnly.has(open.meaning) && open.value !== '') {
        finish(index);
        open = undefined;
        start = index;
      }
      continue;
    }
    const isOneLine =
      open !== undefined && valuesOnly.has(open.meaning) && open.value.length > 0 && open.value.length <= 40;
    if (isOneLine && line.type === 'text' && labelOf(line.text) === undefined) {
      finish(index);
      open = undefined;
      start = index;
    }
    if (open?.isLoose === true && hadList && isParagraph(lines, index, open)) {
      finish(index);
      open = undefined;
      start = index;
    }
    hadList ||= line.type === 'item';
    if (line.indent <= within || line.type === 'heading') within = Infinity;
    const found = labelOnLine(lines, index);
    if (found === undefined && line.type === 'item' && open === undefined) within = Math.min(within, line.indent);
    if (found === undefined || line.indent > within) continue;
    const depth = depthOf(line);
    if (open !== undefined && !closes(found, depth, open)) {
      if (valuesOnly.has(found.meaning))
        nested.push({ ...fieldOf(found), first: index, last: index, next: '', nextAt: index });
      continue;
    }
    finish(index);
    const isLoose = !found.isBold && found.value === '' && line.type === 'text';
    open = { ...found, first: index, depth, isLoose };
    start = index;
    hadList = false;
  }
  finish(to);
  return { fields, nested, free };
}

function fieldOf({ label, value, remark, meaning }: Label): Omit<Field, 'first' | 'last' | 'next' | 'nextAt'> {
  return { label: label.replaceAll(/[*_~`]/g, '').trim(), value, remark, meaning };
}

function nextText(lines: readonly Line[], first: number, last: number): Pick<Field, 'next' | 'nextAt'> {
  for (let index = first + 1; index <= Math.min(last, first + 4); index += 1) {
    const line = lines[index];
    if (line?.type === 'text' || line?.type === 'item') return { next: line.text, nextAt: index };
  }
  return { next: '', nextAt: first };
}

/** The depth of a heading is below zero; that of a bullet is half a step below text of the same indent. */
function depthOf({ type, level, indent }: Line): number {
  if (type === 'heading') return level - 10;
  return indent * 2 + (type === 'item' ? 1 : 0);
}

function closes(found: Label, depth: number, open: Open): boolean {
  if (depth < 0) return depth <= open.depth + (found.meaning === null ? 0 : 1);
  if (valuesOnly.has(found.meaning)) return depth <= open.depth || (open.depth < 0 && depth === 0);
  if (found.meaning === null) return depth <= open.depth;
  return depth <= open.depth + 1 && !(open.depth < 0 && depth > 0);
}

function labelOnLine(lines: readonly Line[], index: number): Label | undefined {
  const line = lines[index];
  if (line === undefined) return undefined;
  switch (line.type) {
    case 'heading': {
      const { label, value } = headingLabel(line.text);
      const meaning = isLabelHeading(line.text) ? (meaningOf(label) ?? null) : null;
      return { label, value, remark: '', meaning, isBold: true };
    }
    case 'row': {
      // The head of a table is a label only if the rows below it are.
      const [delimiter, row] = [lines[index + 1]?.text ?? '', lines[index + 2]?.text ?? ''];
      const isHead = /^[|:\s-]+$/.test(delimiter) && rowLabel(row) === undefined && lines[index + 2]?.type === 'row';
      return isHead ? undefined : rowLabel(line.text);
    }
    case 'text':
    case 'item':
    case 'quote':
      return labelOf(line.text);
    default:
      return undefined;
  }
}

/** A row of a table with two columns whose first cell is a label of ours. */
function rowLabel(text: string): Label | undefined {
  const cells = cellsOf(text);
  const [first = '', value = ''] = cells;
  const meaning = cells.length === 2 && labelName(first).length <= 40 ? meaningOf(first) : undefined;
  return meaning === undefined ? undefined : { label: first, value, remark: '', meaning, isBold: true };
}

/** The cells of a row of a table, trimmed. */
export function cellsOf(text: string): readonly string[] {
  return text
    .replace(/^\|/, '')
    .replace(/\|$/, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

/** Whether a paragraph begins on this line that is no deeper than the open label. */
function isParagraph(lines: readonly Line[], index: number, open: Open): boolean {
  const line = lines[index];
  return line?.type === 'text' && lines[index - 1]?.type === 'blank' && depthOf(line) <= open.depth;
}

function lastWritten(lines: readonly Line[], from: number, to: number): number {
  let last = to - 1;
  while (last >= from && ['blank', 'rule', 'skipped'].includes(lines[last]?.type ?? '')) last -= 1;
  return last;
}

function firstWritten(lines: readonly Line[], from: number, last: number): number {
  let first = from;
  while (first <= last && ['blank', 'rule', 'skipped'].includes(lines[first]?.type ?? '')) first += 1;
  return first;
}
