import { wordsIn } from '../util/words.ts';
import type { Span } from './position.ts';

/** `Last Occurrence` → `lastOccurrence`, `success_prob` → `successProb`, `Auto-Detection` → `autoDetection`. */
export type CamelCase<
  Label extends string,
  Upper extends boolean = false,
  Done extends string = '',
> = Label extends `${infer Letter}${infer Rest}`
  ? Letter extends ' ' | '-' | '_' | '/' | '+' | '→' | '(' | ')' | ':'
    ? CamelCase<Rest, Done extends '' ? false : true, Done>
    : CamelCase<Rest, false, `${Done}${Upper extends true ? Uppercase<Letter> : Lowercase<Letter>}`>
  : Done;

/** The property name of a label or a yaml key: what `CamelCase` is for types, at run time. */
export function propertyName(label: string): string {
  const [first = '', ...rest] = wordsIn(label.toLowerCase());
  return first + rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

/** Blanks and line ends as CommonMark defines them; other white space, such as a no-break space, is text. */
function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === 10 || code === 13;
}

export function trim(text: string, { start, end }: Span): Span {
  let from = start;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return { start: from, end: to };
}

/** The offset after the first word and the blanks that follow it: where an item's text begins. */
export function afterWord(text: string, { start, end }: Span): number {
  let at = start;
  while (at < end && !isBlank(text.charCodeAt(at))) at++;
  while (at < end && isBlank(text.charCodeAt(at))) at++;
  return at;
}

/** Removes trailing HTML comments, which are invisible in Markdown and so not part of a title or a value. */
export function withoutComment(text: string, span: Span): Span {
  let { end } = span;
  while (end - span.start >= 7 && text.startsWith('-->', end - 3)) {
    const start = text.slice(span.start, end - 3).lastIndexOf('<!--');
    if (start === -1) break;
    end = trim(text, { start: span.start, end: span.start + start }).end;
  }
  return end === span.end ? span : { start: span.start, end };
}

/** A value without its notation: lines joined by LF, without the indentation of a list and without trailing comments. */
export interface Value extends Span {
  readonly text: string;
}

export function valueOf(text: string, span: Span): Value {
  const { start, end } = withoutComment(text, trim(text, span));
  const raw = text.slice(start, end);
  return { start, end, text: raw.includes('\n') || raw.includes('\r') ? dedent(raw) : raw };
}

/** Removes the common indentation of all lines after the first. */
function dedent(raw: string): string {
  const [first = '', ...rest] = raw.split(/\r\n|\n|\r/);
  let common = Infinity;
  for (const line of rest) {
    const { start, end } = trim(line, { start: 0, end: line.length });
    if (start < end) common = Math.min(common, start);
  }
  return [first, ...rest.map((line) => line.slice(Math.min(common, trim(line, { start: 0, end: line.length }).start)))]
    .map((line) =>
      line.slice(0, withoutComment(line, { start: 0, end: trim(line, { start: 0, end: line.length }).end }).end),
    )
    .join('\n');
}
