import type { Span } from '../position.ts';

export const TAB = 9;
export const LINE_FEED = 10;
export const CARRIAGE_RETURN = 13;
export const SPACE = 32;
export const HASH = 35;
export const LESS_THAN = 60;
export const BACKTICK = 96;
export const TILDE = 126;
export const BYTE_ORDER_MARK = 0xfeff;

/** CommonMark 0.31 §2.1 knows two blanks, space and tab: a no-break space or a form feed is text. */
export function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

export function isLineEnd(code: number): boolean {
  return code === LINE_FEED || code === CARRIAGE_RETURN;
}

/** The first offset from `at` that is no blank, `end` at most. */
export function skipBlanks(text: string, at: number, end: number): number {
  while (at < end && isBlank(text.charCodeAt(at))) at += 1;
  return at;
}

/** The first offset from `at` that does not hold `code`, `end` at most. */
export function skipRun(text: string, at: number, end: number, code: number): number {
  while (at < end && text.charCodeAt(at) === code) at += 1;
  return at;
}

/** The offset after the last character before `end` that is no blank, `start` at least. */
export function trimBlanks(text: string, start: number, end: number): number {
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return end;
}

/** The offset after the last character before `end` that is neither blank nor line end, `start` at least. */
export function trimEnd(text: string, start: number, end: number): number {
  while (end > start && (isBlank(text.charCodeAt(end - 1)) || isLineEnd(text.charCodeAt(end - 1)))) end -= 1;
  return end;
}

/** Where the line that holds `at` ends, before its line end, `end` at most. */
export function lineEnd(text: string, at: number, end: number): number {
  while (at < end && !isLineEnd(text.charCodeAt(at))) at += 1;
  return at;
}

/** The offset after the line end at `at`: one for LF or a lone CR, two for CRLF, none where the text ends. */
export function nextLine(text: string, at: number, end: number): number {
  if (at >= end) return end;
  return text.charCodeAt(at) === CARRIAGE_RETURN && text.charCodeAt(at + 1) === LINE_FEED && at + 1 < end
    ? at + 2
    : at + 1;
}

/** `span` without blanks and line ends around it. */
export function trimSpan(text: string, span: Span): Span {
  let { start } = span;
  while (start < span.end && (isBlank(text.charCodeAt(start)) || isLineEnd(text.charCodeAt(start)))) start += 1;
  return { start, end: trimEnd(text, start, span.end) };
}
