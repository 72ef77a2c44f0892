import { applyEdits } from '../registry/edit/index.ts';
import type { TextEdit } from '../registry/diagnostics.ts';
import { originOf, withOrigin } from '../registry/origin.ts';
import { readRegistry } from '../registry/parse/read.ts';
import type { ReadOptions, Registry } from '../registry/registry.ts';
import { importProblems } from './import.ts';
import { readLines } from './lines.ts';
import { type ImportedRecord, recordOf } from './render.ts';
import { rowRule, type Table, tablesIn } from './rows.ts';
import type { ImportProposal } from './types.ts';
import { isEmpty, saysAllOf } from './record-values.ts';

/** A proposal that becomes a new record. */
export interface NewProposal {
  readonly proposal: ImportProposal;
  readonly imported: ImportedRecord;
}

/** If more records cannot be put in place together, they are not tried one by one: the time grows with the square. */
export const mostTries = 40;

/**
 * Puts records in the place of the lines that they were made from. A record that leaves something unsaid, and one whose lines
 * cannot be taken out of the text around them, such as an item within an item, is in `rest`: its text stays. Rows are taken out
 * of their table, and their records go behind it.
 * @param proposals All proposals of the text.
 */
export function inPlaceOf(
  text: string,
  fresh: readonly NewProposal[],
  proposals: readonly ImportProposal[],
  before: Registry,
  reading: ReadOptions,
): { readonly text: string; readonly rest: readonly NewProposal[] } {
  const spans = lineSpans(text);
  const edits = new Map<NewProposal, readonly TextEdit[]>();
  const { lines } = fresh.some(({ proposal }) => proposal.rule === rowRule.name) ? readLines(text) : { lines: [] };
  const tables = tablesIn(lines, 0, lines.length);
  for (const one of fresh) {
    if (one.proposal.rule === rowRule.name) {
      const ofRow = saysRow(text, spans, one) ? editsForRow(text, spans, tables, one) : [];
      if (ofRow.length > 0) edits.set(one, ofRow);
      continue;
    }
    const edit = one.imported.isWhole && isAlone(one.proposal, proposals) ? editFor(text, spans, one) : undefined;
    if (edit !== undefined) edits.set(one, [edit]);
  }
  let taken = [...edits.keys()];
  if (!isPlaced(text, taken, edits, before, reading)) {
    const tried = taken.slice(0, mostTries);
    taken = [];
    for (const one of tried) if (isPlaced(text, [...taken, one], edits, before, reading)) taken.push(one);
  }
  const isTaken = new Set(taken);
  return { text: applied(text, taken, edits), rest: fresh.filter((one) => !isTaken.has(one)) };
}

/** Each fix is checked by reading the whole text. */
const mostFixes = 200;

/** Lines of a text that a record can take the place of. */
export interface RecordFix {
  readonly title: string;
  readonly edit: TextEdit;
}

/** For each proposal that can be a record in place of its lines: the record, on its own. */
export function recordFixes(text: string, reading: ReadOptions, minConfidence: number): readonly RecordFix[] {
  const { proposals } = importProblems(text);
  const source = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  const spans = lineSpans(text);
  const before = readRegistry(text, reading);
  return proposals.slice(0, mostFixes).flatMap((proposal) => {
    if (proposal.confidence < minConfidence || !isAlone(proposal, proposals)) return [];
    const imported = recordOf(proposal, source, { from: '.' });
    const edit = imported?.isWhole === true ? editFor(text, spans, { proposal, imported }) : undefined;
    if (imported === undefined || edit === undefined) return [];
    const isSafe = isReadAsPlanned(before, applyEdits(text, [edit]), [imported], reading);
    return isSafe ? [{ title: proposal.title, edit }] : [];
  });
}

function applied(
  text: string,
  taken: readonly NewProposal[],
  edits: ReadonlyMap<NewProposal, readonly TextEdit[]>,
): string {
  return applyEdits(
    text,
    taken.flatMap((one) => edits.get(one) ?? []),
  );
}

function isPlaced(
  text: string,
  taken: readonly NewProposal[],
  edits: ReadonlyMap<NewProposal, readonly TextEdit[]>,
  before: Registry,
  reading: ReadOptions,
): boolean {
  const records = taken.map(({ imported }) => imported);
  return isReadAsPlanned(before, applied(text, taken, edits), records, reading);
}

/** Whether no other proposal has lines in common with this one: they would become text of its record. */
function isAlone(proposal: ImportProposal, proposals: readonly ImportProposal[]): boolean {
  return proposals.every(
    (other) => other === proposal || other.endLine < proposal.line || other.line > proposal.endLine,
  );
}

/** Undefined if the lines begin with something else than a heading, an item or bold text at the start of a line. */
function editFor(text: string, spans: readonly LineSpan[], { proposal, imported }: NewProposal): TextEdit | undefined {
  const first = spans[proposal.line - 1];
  let last = proposal.endLine - 1;
  while (last >= proposal.line && isEmpty(lineAt(text, spans[last]))) last -= 1;
  const end = spans[last]?.end;
  if (first === undefined || end === undefined) return undefined;
  const title = lineAt(text, first);
  const underline = lineAt(text, spans[proposal.line]);
  const isHeading = /^#{1,6}\s/.test(title) || /^(?:=+|-+)\s*$/.test(underline);
  const isItem = /^(?:[-*+]|\d{1,9}[.)])\s/.test(title);
  const isBold = /^(?:\*\*|__)\S/.test(title);
  if (!isHeading && !isItem && !isBold) return undefined;
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const block = withOrigin(imported.block, { ...imported.origin, kept: false }).replaceAll('\n', eol);
  const before = isAfterBlank(text, first.start) ? '' : eol;
  const next = spans[last + 1];
  const after = next === undefined || lineAt(text, next).trim() === '' ? '' : eol;
  return { start: first.start, end, text: before + block + after };
}

/** Whether the record of a row says all of its cells; a number in the first one only counts. */
function saysRow(text: string, spans: readonly LineSpan[], { proposal, imported }: NewProposal): boolean {
  const row = lineAt(text, spans[proposal.line - 1]).replace(/^\s*\|?\s*#?\d{1,4}\s*\|/, '');
  return saysAllOf(row, imported.block);
}

/** Takes a row out of its table, and puts its record behind the table. */
function editsForRow(
  text: string,
  spans: readonly LineSpan[],
  tables: readonly Table[],
  { proposal, imported }: NewProposal,
): readonly TextEdit[] {
  const table = tables.find(({ first, end }) => first < proposal.line - 1 && proposal.line <= end);
  const row = spans[proposal.line - 1];
  if (table === undefined || row === undefined) return [];
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const behind = spans[table.end]?.start ?? text.length;
  const block = withOrigin(imported.block, { ...imported.origin, kept: false }).replaceAll('\n', eol);
  const before = /[\r\n]$/.test(text.slice(0, behind)) ? eol : eol + eol;
  return [
    { start: row.start, end: spans[proposal.line]?.start ?? text.length, text: '' },
    { start: behind, end: behind, text: `${before}${block}${eol}` },
  ];
}

/** Whether a line is the first one, or follows a blank one. */
function isAfterBlank(text: string, start: number): boolean {
  const above = text.slice(Math.max(0, start - 200), start).replace('\uFEFF', '');
  return above === '' || /(?:^|\n|\r)[ \t]*(?:\r\n|\n|\r)$/.test(above);
}

interface LineSpan {
  readonly start: number;
  /** Before the line end. */
  readonly end: number;
}

/** The lines of a text, without a byte-order mark. */
function lineSpans(text: string): readonly LineSpan[] {
  const spans: LineSpan[] = [];
  let start = text.startsWith('\uFEFF') ? 1 : 0;
  for (const { index, 0: eol } of text.matchAll(/\r\n|\n|\r/g)) {
    spans.push({ start, end: index });
    start = index + eol.length;
  }
  spans.push({ start, end: text.length });
  return spans;
}

function lineAt(text: string, span: LineSpan | undefined): string {
  return span === undefined ? '' : text.slice(span.start, span.end);
}

/**
 * Whether a text, read again, has the records that it had, with the same ids, and the new ones; and no error that it did not have.
 */
export function isReadAsPlanned(
  before: Registry,
  after: string,
  added: readonly ImportedRecord[],
  reading: ReadOptions,
): boolean {
  const again = readRegistry(after, reading);
  const byId = new Map(again.records.map((record) => [record.id, record]));
  const errors = ({ diagnostics }: Registry): number =>
    diagnostics.filter(({ severity }) => severity === 'error').length;
  const origins = new Set(
    again.records.flatMap((record) => {
      const origin = originOf(after, record);
      return origin === undefined ? [] : [JSON.stringify([origin.from, origin.title, origin.occurrence, origin.lines])];
    }),
  );
  return (
    again.records.length === before.records.length + added.length &&
    errors(again) <= errors(before) &&
    before.records.every(({ id, kind, title }) => byId.get(id)?.kind === kind && byId.get(id)?.title === title) &&
    added.every(({ origin }) =>
      origins.has(JSON.stringify([origin.from, origin.title, origin.occurrence, origin.lines])),
    )
  );
}
