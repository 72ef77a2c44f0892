import { HASH, SPACE, TAB, isBlank, skipBlanks, skipRun } from './characters.ts';

export const ASTERISK = 42;
export const PLUS = 43;
export const DASH = 45;
export const DIGIT_ZERO = 48;
export const DIGIT_ONE = 49;
export const DIGIT_NINE = 57;
export const COLON = 58;
export const LESS_THAN = 60;
export const EQUALS = 61;
export const GREATER_THAN = 62;
export const OPENING_BRACKET = 91;
export const BACKSLASH = 92;
export const CLOSING_BRACKET = 93;
export const CARET = 94;
export const UNDERSCORE = 95;
export const BACKTICK = 96;
export const BAR = 124;
export const TILDE = 126;

/** The depth of the ATX heading at `at`, 0 where none stands there (CommonMark 0.31 §4.2). */
export function headingDepth(text: string, at: number, end: number): number {
  const after = skipRun(text, at, end, HASH);
  const depth = after - at;
  return depth >= 1 && depth <= 6 && (after === end || isBlank(text.charCodeAt(after))) ? depth : 0;
}

/** How many characters open the fence at `at`, 0 where none stands there (CommonMark 0.31 §4.5). */
export function fenceLength(text: string, at: number, end: number): number {
  const code = text.charCodeAt(at);
  const info = skipRun(text, at, end, code);
  if (info - at < 3) return 0;
  if (code === BACKTICK) for (let i = info; i < end; i += 1) if (text.charCodeAt(i) === BACKTICK) return 0;
  return info - at;
}

/** Whether a fence of `length` times `code` is closed at `at`. */
export function closesFence(text: string, at: number, end: number, code: number, length: number): boolean {
  const after = skipRun(text, at, end, code);
  return after - at >= length && skipBlanks(text, after, end) === end;
}

/** Whether the line from `at` is a thematic break (CommonMark 0.31 §4.1); `at` holds `-`, `*` or `_`. */
export function isRule(text: string, at: number, end: number): boolean {
  const code = text.charCodeAt(at);
  let count = 0;
  for (let i = at; i < end; i += 1) {
    const here = text.charCodeAt(i);
    if (here === code) count += 1;
    else if (!isBlank(here)) return false;
  }
  return count >= 3;
}

/** Whether under a line of text this one can be a setext underline or the delimiter row of a table. */
export function mayUnderline(text: string, at: number, end: number): boolean {
  const first = text.charCodeAt(at);
  if (first === EQUALS) return true;
  if (first !== DASH && first !== BAR && first !== COLON) return false;
  for (let i = at; i < end; i += 1) {
    const here = text.charCodeAt(i);
    if (here !== DASH && here !== BAR && here !== COLON && !isBlank(here)) return false;
  }
  return true;
}

/** Whether the `[` at `at`, which begins a paragraph, certainly opens no definition of a link or a footnote. */
export function isPlainBracket(text: string, at: number, end: number): boolean {
  if (text.charCodeAt(at + 1) === CARET) return false;
  for (let i = at + 1; i < end; i += 1) {
    const here = text.charCodeAt(i);
    if (here === BACKSLASH) i += 1;
    else if (here === OPENING_BRACKET) return true;
    else if (here === CLOSING_BRACKET) return text.charCodeAt(i + 1) !== COLON;
  }
  return false;
}

/**
 * What the text at `at` is as the marker of a list item (CommonMark 0.31 §5.2): where its content begins, `none`
 * for no marker, `unsure` for an item that is empty or whose content begins with a tab or as indented code.
 */
export function itemContent(text: string, at: number, end: number): number | 'none' | 'unsure' {
  let after = at + 1;
  if (isDigit(text.charCodeAt(at))) {
    while (after < end && isDigit(text.charCodeAt(after))) after += 1;
    const delimiter = text.charCodeAt(after);
    if (after - at > 9 || after === end || (delimiter !== DOT && delimiter !== CLOSING_PARENTHESIS)) return 'none';
    after += 1;
  }
  if (after === end) return 'unsure';
  if (!isBlank(text.charCodeAt(after))) return 'none';
  const content = skipRun(text, after, end, SPACE);
  if (content === end || content - after > 4 || text.charCodeAt(content) === TAB) return 'unsure';
  return content;
}

const DOT = 46;
const CLOSING_PARENTHESIS = 41;

export function isDigit(code: number): boolean {
  return code >= DIGIT_ZERO && code <= DIGIT_NINE;
}
