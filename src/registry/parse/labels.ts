import { suggest } from '../../util/suggest.ts';
import { type DiagnosticCode, quote, type DiagnosticCollector } from '../diagnostics.ts';
import type { Lookup } from '../kinds/declaration.ts';
import { afterWord, trim, type Value, valueOf } from '../names.ts';
import type { Span } from '../position.ts';
import { ASTERISK, BAR, LESS_THAN, lineEnd, skipBlanks, UNDERSCORE } from './lines.ts';
import { type OutlineNode, paragraphLines } from './outline.ts';

/** Reports a name that a declaration does not have, with the nearest one that it has. `what` says what it should be: `a field of "Evidence"`. */
export function reportUnknownName(
  code: DiagnosticCode,
  span: Span,
  name: string,
  known: Lookup<unknown>,
  what: string,
  report: DiagnosticCollector,
): void {
  const labels = known.all.map(({ label }) => label);
  const meant = suggest(name, labels);
  report.add(code, span, {
    message: `${quote(name)} is not ${what}; it is kept as extra.`,
    hint: meant === undefined ? `Known names: ${labels.join(', ')}.` : `Did you mean ${meant}?`,
  });
}

/** `Missing section: Description.`, with `noun` in the plural for several names. */
export function missingNames(noun: string, names: readonly { readonly label: string }[]): string {
  return `Missing ${noun}${names.length === 1 ? '' : 's'}: ${names.map(({ label }) => label).join(', ')}.`;
}

/** A value with its label, `**Label:** value`, or text without a label. The label's span excludes emphasis and colon. */
export interface LabelledValue {
  readonly label: Span | undefined;
  readonly value: Value;
}

const longestLabel = 120;

/** Which names are labels here, and how they may be written. */
export interface LabelRules {
  readonly isKnown: (name: string) => boolean;
  /** `header`: strong text before a colon is a label, known or not. `fields`: `Field → text` is a label too. */
  readonly place: 'header' | 'fields';
}

/**
 * Reads paragraphs, items, quotes and rows of tables as labelled values. What precedes the first label, or has none, is
 * text without a label; a line without a label continues the previous one. A label is written in strong text with a colon
 * inside or after it. A known label may also be written plain, in emphasis, without colon or with `=`, and several labels
 * may be on one line, as formatters join them.
 */
export function readLabels(text: string, nodes: readonly OutlineNode[], rules: LabelRules): LabelledValue[] {
  const found: LabelledValue[] = [];
  for (const node of nodes) {
    if (node.type === 'paragraph') readParagraph(text, node, rules, found);
    else if (node.type === 'item') {
      const span = { start: afterWord(text, node), end: node.end };
      const isFlat = node.children.every(({ type }) => type === 'paragraph');
      if (rules.place === 'header' && isFlat) readParagraph(text, span, rules, found);
      else found.push(valueAfter(text, span, splitLabel(text, span, rules)));
    } else if (!readRows(text, node, rules, found)) found.push({ label: undefined, value: valueOf(text, node) });
  }
  return found;
}

interface Split {
  /** Where the label begins, with its emphasis. */
  readonly start: number;
  readonly label: Span;
  /** Where the value begins. */
  readonly after: number;
  /** Where it ends, if not at the end of its text. */
  readonly until?: number;
}

function readParagraph(text: string, paragraph: Span, rules: LabelRules, found: LabelledValue[]): void {
  const splits = labelsIn(text, paragraph, rules);
  const from = splits[0]?.start ?? paragraph.end;
  if (from > paragraph.start) {
    const before = valueAfter(text, { start: paragraph.start, end: from }, undefined);
    if (before.value.text !== '') found.push(before);
  }
  for (const [position, split] of splits.entries()) {
    const next = splits[position + 1];
    found.push(valueAfter(text, { start: split.start, end: next?.start ?? paragraph.end }, split, next !== undefined));
  }
}

/** Where strong text begins within a line. */
const strongInside = /(?<=[\s>|·•,;])(?:\*\*|__|<(?:strong|b)>)/g;

/** The labels of a paragraph in order: at the start of a line in any spelling, elsewhere in strong text with a colon. */
function labelsIn(text: string, paragraph: Span, rules: LabelRules): readonly Split[] {
  const splits: Split[] = [];
  const code = codeSpans(text, paragraph);
  for (const { start, end } of paragraphLines(text, paragraph)) {
    const last = splits.at(-1);
    if (start >= (last?.after ?? start)) {
      const atStart = splitLabel(text, { start, end: paragraph.end }, rules);
      if (atStart !== undefined) splits.push(atStart);
    }
    const from = splits.at(-1)?.after ?? start;
    const tail = text.slice(from, end);
    if (!tail.includes('**') && !tail.includes('__') && !tail.includes('<')) continue;
    for (const { index } of tail.matchAll(strongInside)) {
      const at = from + index;
      if (at < (splits.at(-1)?.after ?? 0) || code.some((span) => span.start <= at && at < span.end)) continue;
      const split = splitEmphasis(text, { start: at, end: paragraph.end }, rules, true);
      if (split !== undefined) splits.push(split);
    }
  }
  return splits;
}

function codeSpans(text: string, { start, end }: Span): readonly Span[] {
  if (!text.slice(start, end).includes('`')) return [];
  return [...text.slice(start, end).matchAll(/(?<!`)(`+)(?!`)[^]{0,2000}?(?<!`)\1(?!`)/g)].map(
    ({ 0: code, index }) => ({
      start: start + index,
      end: start + index + code.length,
    }),
  );
}

/** Reads the lines of a table or a quote in a header. False if none of them has a label, so that the node is kept as it is. */
function readRows(text: string, node: OutlineNode, rules: LabelRules, found: LabelledValue[]): boolean {
  if (rules.place !== 'header' || node.type !== 'other' || (node.name !== 'table' && node.name !== 'quote'))
    return false;
  const rows: LabelledValue[] = [];
  for (const line of paragraphLines(text, node)) {
    const start = text.charAt(line.start) === '>' ? skipBlanks(text, line.start + 1, line.end) : line.start;
    const span = { start, end: line.end };
    if (text.charAt(start) === '|') {
      const split = splitRow(text, span, rules);
      if (split !== undefined) rows.push(valueAfter(text, span, split));
    } else readParagraph(text, span, rules, rows);
  }
  if (rows.every(({ label }) => label === undefined)) return false;
  found.push(...rows);
  return true;
}

/** What ends a line on the page, and what people put between labels on one line. */
const lineBreak = /(?:\s|<br ?\/?>|(?<!\\)\\(?=\s*$))+$/;
const separator = /(?:\s|<br ?\/?>|(?<!\\)\\|[|·•])+$/;

function valueAfter(text: string, span: Span, split: Split | undefined, labelFollows = false): LabelledValue {
  if (split === undefined) return { label: undefined, value: valueOf(text, span) };
  const whole = { start: split.after, end: Math.max(split.after, split.until ?? span.end) };
  const value = valueOf(text, whole);
  const { start, end } = value;
  if (!/[\\>|·•]/.test(text.charAt(end - 1))) return { label: split.label, value };
  const raw = text.slice(start, end);
  const kept = raw.length > 100_000 ? raw : raw.replace(labelFollows ? separator : lineBreak, '');
  return { label: split.label, value: valueOf(text, { start, end: start + kept.length }) };
}

function splitLabel(text: string, span: Span, rules: LabelRules): Split | undefined {
  const code = text.charCodeAt(span.start);
  if (code === ASTERISK || code === UNDERSCORE || code === LESS_THAN) return splitEmphasis(text, span, rules, false);
  if (code === BAR) return rules.place === 'header' ? splitRow(text, span, rules) : undefined;
  return splitPlain(text, span, rules) ?? (rules.place === 'fields' ? splitArrow(text, span, rules) : undefined);
}

/**
 * `**Label:** rest`, `**Label**: rest`, the same with `__`, one to three marks or tags, and with the wide colon of Chinese
 * and Japanese. Without a blank after it the first is not emphasis to CommonMark, but it is a label to its writer. Only a
 * known label may do without colon, or enclose its value: `**Severity: high**`.
 */
function splitEmphasis(text: string, span: Span, rules: LabelRules, needsColon: boolean): Split | undefined {
  const head = text.slice(span.start, Math.min(span.end, span.start + longestLabel));
  const usual = splitUsual(text, span.start, head);
  if (usual !== undefined) return usual;
  const opening = /^(?:\*{1,3}|_{1,3}|<(?:strong|b|em|i)>)/.exec(head)?.[0];
  if (opening === undefined) return undefined;
  const closing = opening.replace('<', '</');
  const close = head.indexOf(closing, opening.length);
  if (close === -1) return undefined;
  const inside = head.slice(opening.length, close);
  const at = span.start + opening.length;
  const colon = colonAtEnd(inside);
  const label = trim(text, { start: at, end: at + (colon ?? inside.length) });
  if (label.start >= label.end) return undefined;
  const name = text.slice(label.start, label.end);
  const isStrong = !/^(?:[*_]|<em>|<i>)$/.test(opening);
  const isAny = isStrong && !/[\r\n]/.test(name);
  if (!isAny && !rules.isKnown(name)) {
    const whole = needsColon ? null : withValue.exec(inside);
    if (whole === null || !rules.isKnown(whole[1] ?? '')) return undefined;
    const end = at + inside.length;
    if (!/^[ \t]*(?:\\|<br ?\/?>)?[ \t]*(?:[\r\n]|$)/.test(text.slice(end + closing.length, span.end)))
      return undefined;
    return enclosed(span.start, at, whole);
  }
  const after = span.start + close + closing.length;
  if (colon !== undefined) return { start: span.start, label, after };
  const outside = /^[ \t\u00A0]*[:：]/.exec(head.slice(close + closing.length))?.[0];
  if (outside !== undefined) return { start: span.start, label, after: after + outside.length };
  if (needsColon) return undefined;
  const whole = withValue.exec(inside);
  if (whole !== null && rules.isKnown(whole[1] ?? '')) return enclosed(span.start, at, whole);
  if (!rules.isKnown(name)) return undefined;
  const sign = /^[ \t]*(?:→|->|=)/.exec(head.slice(close + closing.length))?.[0].length ?? 0;
  return { start: span.start, label, after: after + sign };
}

/** `**Label:** rest`, as almost all labels are written. */
function splitUsual(text: string, start: number, head: string): Split | undefined {
  const close = head.indexOf('**', 2);
  if (close < 4 || !head.startsWith('**') || head.charAt(2) === '*' || head.charAt(close - 1) !== ':') return undefined;
  const label = trim(text, { start: start + 2, end: start + close - 1 });
  if (label.start === label.end || /[\r\n]/.test(head.slice(2, close))) return undefined;
  return { start, label, after: start + close + 2 };
}

const withValue = /^([^:：]*[^:：\s])\s*[:：]\s*(\S[^]*)$/;

/** Where the colon at the end of a text is, before the blanks in front of it. */
function colonAtEnd(text: string): number | undefined {
  const end = text.trimEnd().length;
  const last = text.charAt(end - 1);
  return last === ':' || last === '：' ? text.slice(0, end - 1).trimEnd().length : undefined;
}

/** `**Severity: high**`, where the value is inside the emphasis. */
function enclosed(start: number, at: number, [inside, name = '', value = '']: RegExpExecArray): Split {
  return {
    start,
    label: { start: at, end: at + name.length },
    after: at + inside.length - value.length,
    until: at + inside.length,
  };
}

/** `Severity: high`, without emphasis. */
function splitPlain(text: string, span: Span, rules: LabelRules): Split | undefined {
  const match = /^([^\s:：=*_`[\]<>|][^:：=*`[\]<>|\r\n]{0,60}?)[ \t\u00A0]*(?:[:：]|=(?=[ \t]))/.exec(
    firstLine(text, span),
  );
  if (match === null || !rules.isKnown(match[1] ?? '')) return undefined;
  const [written, label = ''] = match;
  return {
    start: span.start,
    label: { start: span.start, end: span.start + label.length },
    after: span.start + written.length,
  };
}

/** `Severity + Frequency → Impact score (…)`. */
function splitArrow(text: string, span: Span, rules: LabelRules): Split | undefined {
  const arrow = /→|->/.exec(firstLine(text, span));
  if (arrow === null) return undefined;
  const label = trim(text, { start: span.start, end: span.start + arrow.index });
  return rules.isKnown(text.slice(label.start, label.end))
    ? { start: span.start, label, after: span.start + arrow.index + arrow[0].length }
    : undefined;
}

/** `| **Severity** | high |`. */
function splitRow(text: string, span: Span, rules: LabelRules): Split | undefined {
  const line = text.slice(span.start, lineEnd(text, span.start, span.end));
  const match = /^(\|\s*(?:\*\*|__)?)([^|*:：]{1,60}?)\s*[:：]?\s*(?:\*\*|__)?\s*[:：]?\s*\|(.*?)\|?\s*$/.exec(line);
  if (match === null || !rules.isKnown(match[2] ?? '')) return undefined;
  const [, before = '', label = '', value = ''] = match;
  const start = span.start + before.length;
  const after = span.start + line.lastIndexOf(value, line.replace(/\|?\s*$/, '').length - value.length);
  return { start: span.start, label: { start, end: start + label.length }, after, until: after + value.length };
}

function firstLine(text: string, span: Span): string {
  return text.slice(span.start, lineEnd(text, span.start, Math.min(span.end, span.start + longestLabel)));
}
