import { findMarkers } from '../registry/parse/markers.ts';
import { createLineIndex } from '../registry/position.ts';
import type { Lines } from './types.ts';

/** What a line is. `code` includes the fences; `skipped` is front matter, a comment or a record with markers. */
export type LineType = 'blank' | 'heading' | 'item' | 'row' | 'text' | 'quote' | 'rule' | 'code' | 'skipped';

export interface Line {
  readonly type: LineType;
  /** The whole line, without its line end. */
  readonly raw: string;
  /** Without the signs of heading, item or quote; trimmed. */
  readonly text: string;
  /** Columns before the first character that is not blank; a tab ends at the next multiple of 4. */
  readonly indent: number;
  /** Of a heading, from 1 to 6; 0 for other lines. */
  readonly level: number;
  /** Of an item: the sign or number before it, or a checkbox as `[ ]` and `[x]`; otherwise empty. */
  readonly sign: string;
}

export interface Document {
  /** The first line is at 0. */
  readonly lines: readonly Line[];
  /** Records that have markers, from 1. */
  readonly marked: readonly Lines[];
  /** Why nothing of the text is read, as a sentence. Then `lines` is empty. */
  readonly refused: string | null;
}

/**
 * More is no file that people write: the 143 problem files of one large project have 36,000 lines and 4,700 headings together. The limits keep
 * the time of the worst text of 1 MB below a second.
 */
const mostLines = 25_000;
const mostHeadings = 4_000;

/** No line is read further than this: titles and labels are at its beginning. */
const mostRead = 4_000;

const fence = /^(`{3,}|~{3,})(.*)$/;
const heading = /^(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/;
const tightHeading = /^(#{2,6})([\p{L}\p{N}].*)$/u;
const item = /^([-*+•]|\d{1,9}[.)])(?:[ \t]+(?:(\[[ xX]\])[ \t]+)?(.*))?$/;
const rule = /^(?:-(?:[ \t]*-){2,}|\*(?:[ \t]*\*){2,}|_(?:[ \t]*_){2,})[ \t]*$/;

/**
 * Reads a text line by line: enough of Markdown to tell prose from code, comments and records. Linear in the text. What
 * authors mean goes before CommonMark in two places: a fence may be less indented than the item around it, and dashes
 * below a long paragraph are a rule, not the underline of a heading.
 */
export function readLines(text: string): Document {
  const raws = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  if (raws.length > mostLines) return refuse('It has more than 25,000 lines.');
  const { marked, tooComplex } = markedLines(text);
  if (tooComplex) return refuse('Its markers cannot be told from other text.');
  const lines: Line[] = [];
  let open: { readonly sign: string; readonly length: number } | undefined;
  let inComment = false;
  let inList = false;
  let nextMarked = 0;
  const front = frontMatterEnd(raws);
  for (const [index, raw] of raws.entries()) {
    const number = index + 1;
    while ((marked[nextMarked]?.endLine ?? Infinity) < number) nextMarked += 1;
    if ((marked[nextMarked]?.line ?? Infinity) <= number || index < front) {
      lines.push(plain('skipped', raw, 0));
      continue;
    }
    const { indent, rest } = indented(raw);
    const before = lines[index - 1];
    if (inComment) {
      inComment = !raw.includes('-->');
      lines.push(plain('skipped', raw, indent));
    } else if (open !== undefined) {
      if (closes(rest, open)) open = undefined;
      lines.push(plain('code', raw, indent));
    } else if (rest === '') {
      lines.push(plain('blank', raw, 0));
    } else if (rest.startsWith('<!--')) {
      inComment = !raw.slice(raw.indexOf('<!--') + 4).includes('-->');
      lines.push(plain('skipped', raw, indent));
    } else if (indent >= 4 && !inList && before?.type !== 'text' && before?.type !== 'item') {
      lines.push(plain('code', raw, indent));
    } else {
      const [, run, info = ''] = fence.exec(rest) ?? [];
      if (run !== undefined && !(run.startsWith('`') && info.includes('`'))) {
        open = { sign: run.charAt(0), length: run.length };
        lines.push(plain('code', raw, indent));
        continue;
      }
      const line = ordinaryLine(raw, rest, indent);
      const underlined = line.type === 'text' || line.type === 'rule' ? underline(rest, before) : 0;
      if (underlined > 0 && before !== undefined) {
        lines[index - 1] = { ...before, type: 'heading', level: underlined };
        lines.push(plain('rule', raw, indent));
        inList = false;
        continue;
      }
      if (line.type === 'item') inList = true;
      else if (line.type === 'heading' || (indent === 0 && before?.type === 'blank')) inList = false;
      lines.push(line);
    }
  }
  if (lines.filter(({ type }) => type === 'heading').length > mostHeadings)
    return refuse('It has more than 4,000 headings.');
  return { lines: withTables(lines), marked, refused: null };
}

function refuse(reason: string): Document {
  return { lines: [], marked: [], refused: reason };
}

function plain(type: LineType, raw: string, indent: number): Line {
  return { type, raw, text: raw.slice(0, mostRead).trim(), indent, level: 0, sign: '' };
}

function indented(raw: string): { readonly indent: number; readonly rest: string } {
  let indent = 0;
  let at = 0;
  for (; at < raw.length; at += 1) {
    const sign = raw.charAt(at);
    if (sign === ' ' || sign === '\u00A0' || sign === '\u3000') indent += 1;
    else if (sign === '\t') indent += 4 - (indent % 4);
    else break;
  }
  return { indent, rest: raw.slice(at, at + mostRead).trimEnd() };
}

function ordinaryLine(raw: string, rest: string, indent: number): Line {
  const [, signs, title = ''] = heading.exec(rest) ?? tightHeading.exec(rest) ?? [];
  if (signs !== undefined && indent < 4) {
    return { type: 'heading', raw, text: title.trim(), indent, level: signs.length, sign: '' };
  }
  if (rule.test(rest)) return plain('rule', raw, indent);
  const [, sign, box, content = ''] = item.exec(rest) ?? [];
  if (sign !== undefined) {
    return { type: 'item', raw, text: content.trim(), indent, level: 0, sign: box?.toLowerCase() ?? sign };
  }
  if (rest.startsWith('>')) return { ...plain('quote', raw, indent), text: rest.replace(/^(?:>[ \t]?)+/, '').trim() };
  return { ...plain('text', raw, indent), text: rest };
}

function closes(rest: string, open: { readonly sign: string; readonly length: number }): boolean {
  const [run = ''] = /^(?:`+|~+)/.exec(rest) ?? [];
  return run.startsWith(open.sign) && run.length >= open.length && run.length === rest.length;
}

/** The level that an underline gives to the line before it, or 0. */
function underline(rest: string, before: Line | undefined): number {
  if (before?.type !== 'text' || before.indent >= 4) return 0;
  if (/^={3,}$/.test(rest)) return 1;
  const isTitle =
    before.text.length <= 100 && !/[.:;]$|\*\*.+\*\*|[:：]\s/.test(before.text) && !before.text.includes('|');
  return isTitle && /^-{3,}$/.test(rest) ? 2 : 0;
}

const delimiter = /^\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?$/;

/** Marks the rows of tables: a delimiter row makes the line before it, and those after it that hold a bar, rows. */
function withTables(lines: readonly Line[]): readonly Line[] {
  const all = [...lines];
  let inTable = false;
  for (const [index, line] of lines.entries()) {
    const isCell = (line.type === 'text' || line.type === 'rule') && line.text.includes('|');
    const before = all[index - 1];
    if (isCell && !inTable && delimiter.test(line.text) && before?.type === 'text' && before.text.includes('|')) {
      inTable = true;
      all[index - 1] = { ...before, type: 'row' };
    } else if (!isCell) inTable = false;
    if (inTable) all[index] = { ...line, type: 'row' };
  }
  return all;
}

/** Front matter is at the very start of a file: between two lines of dashes or of plus signs. The number of its lines. */
function frontMatterEnd(raws: readonly string[]): number {
  const first = raws[0]?.trimEnd();
  if (first !== '---' && first !== '+++') return 0;
  const end = raws.findIndex((raw, index) => index > 0 && raw.trimEnd() === first);
  const hasKeys = raws.slice(1, end).some((raw) => /^["\w-]+\s*[:=]/.test(raw));
  return end > 0 && hasKeys ? end + 1 : 0;
}

/** Records with markers. One that is never closed goes on to the next START or to the end: `validate` says what is wrong. */
function markedLines(text: string): { readonly marked: readonly Lines[]; readonly tooComplex: boolean } {
  const scan = findMarkers(text);
  if (scan.type === 'too-complex') return { marked: [], tooComplex: true };
  const index = createLineIndex(text);
  const marked: Lines[] = [];
  let start: number | undefined;
  for (const marker of scan.markers) {
    if (marker.edge === 'slip' || marker.misplaced) continue;
    const { line } = index.place(marker);
    if (marker.edge === 'start') {
      if (start !== undefined) marked.push({ line: start, endLine: line - 1 });
      start = line;
    } else {
      marked.push({ line: start ?? line, endLine: line });
      start = undefined;
    }
  }
  if (start !== undefined) marked.push({ line: start, endLine: text.split(/\r\n|\n|\r/).length });
  return { marked: marked.filter(({ line, endLine }) => line <= endLine), tooComplex: false };
}
