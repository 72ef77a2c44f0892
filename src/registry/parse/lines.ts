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

/** The first offset from `at` that is not a blank, `end` at most. */
export function skipBlanks(text: string, at: number, end: number): number {
  while (at < end && isBlank(text.charCodeAt(at))) at += 1;
  return at;
}

/** The first offset from `at` that does not hold `code`, `end` at most. */
export function skipRun(text: string, at: number, end: number, code: number): number {
  while (at < end && text.charCodeAt(at) === code) at += 1;
  return at;
}

/** The offset after the last character before `end` that is not a blank, `start` at least. */
export function trimBlanks(text: string, start: number, end: number): number {
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return end;
}

/** The offset after the last character before `end` that is neither a blank nor a line end, `start` at least. */
export function trimEnd(text: string, start: number, end: number): number {
  while (end > start && (isBlank(text.charCodeAt(end - 1)) || isLineEnd(text.charCodeAt(end - 1)))) end -= 1;
  return end;
}

/** Where the line that holds `at` ends, before its line end, `end` at most. */
export function lineEnd(text: string, at: number, end: number): number {
  while (at < end && !isLineEnd(text.charCodeAt(at))) at += 1;
  return at;
}

/** The offset after the line end at `at`, which is LF, CRLF or a lone CR; `end` at the end of the text. */
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

/** What ends a block of HTML: some text, the end tag of raw text (`</`), or a blank line. */
export type HtmlEnd = '-->' | '?>' | '>' | '</' | 'blank';

/**
 * What HTML at the start of a line is (CommonMark 0.31 §4.6): the end of its block; `tag` if it is either a block up to the
 * next blank line or a paragraph; `unsure` for CDATA; `none` if it is not HTML.
 */
export type HtmlStart = HtmlEnd | 'tag' | 'unsure' | 'none';

const rawStart = /^<(?:pre|script|style|textarea)(?:[\s>]|$)/i;

const rawEnd = /<\/(?:pre|script|style|textarea)>/i;

/** Some of the tags that always begin a block. Others count as `tag`. */
const blockStart =
  /^<\/?(?:blockquote|center|details|div|dl|h[1-6]|hr|li|ol|p|section|summary|table|tbody|td|th|thead|tr|ul)(?:\s|\/?>|$)/i;

export function htmlStart(text: string, at: number, end: number): HtmlStart {
  if (text[at] !== '<') return 'none';
  const line = text.slice(at, end);
  if (line.startsWith('<!--')) return '-->';
  if (line.startsWith('<?')) return '?>';
  if (line.startsWith('<![CDATA[')) return 'unsure';
  if (/^<![a-z]/i.test(line)) return '>';
  if (rawStart.test(line)) return '</';
  if (blockStart.test(line)) return 'blank';
  return /^<\/?[a-z]/i.test(line) ? 'tag' : 'none';
}

/** Whether a block of HTML that ends with `ending` ends between two offsets of one line. */
export function endsHtml(text: string, at: number, end: number, ending: HtmlEnd): boolean {
  if (ending === 'blank') return false;
  const part = text.slice(at, end);
  return ending === '</' ? rawEnd.test(part) : part.includes(ending);
}

const CLOSING_PARENTHESIS = 41;

export const ASTERISK = 42;

const PLUS = 43;

const DASH = 45;

const DOT = 46;

const DIGIT_ZERO = 48;

const DIGIT_ONE = 49;

const DIGIT_NINE = 57;

const COLON = 58;

const EQUALS = 61;

const GREATER_THAN = 62;

const OPENING_BRACKET = 91;

const BACKSLASH = 92;

const CLOSING_BRACKET = 93;

const CARET = 94;

export const UNDERSCORE = 95;

export const BAR = 124;

/**
 * What a line is by its first characters, unless it is indented as code. `html` begins with `<`, whatever follows; an
 * `item` may be empty; `definition` is uncertain, and applies only if no paragraph is open.
 */
export type LineStart = 'heading' | 'fence' | 'html' | 'quote' | 'footnote' | 'definition' | 'rule' | 'item' | 'text';

/** Classifies a line from `at`, its first character that is not a blank, to `end`, after the last one. */
export function lineStart(text: string, at: number, end: number): LineStart {
  const code = text.charCodeAt(at);
  switch (code) {
    case HASH:
      return headingDepth(text, at, end) > 0 ? 'heading' : 'text';
    case BACKTICK:
    case TILDE:
      return fenceLength(text, at, end) > 0 ? 'fence' : 'text';
    case LESS_THAN:
      return 'html';
    case GREATER_THAN:
      return 'quote';
    case OPENING_BRACKET:
      if (text.charCodeAt(at + 1) === CARET) return 'footnote';
      return mayDefine(text, at, end) ? 'definition' : 'text';
    case UNDERSCORE:
      return isRule(text, at, end) ? 'rule' : 'text';
    case DASH:
    case ASTERISK:
      if (isRule(text, at, end)) return 'rule';
      return itemContent(text, at, end) === 'none' ? 'text' : 'item';
    default:
      return (code === PLUS || isDigit(code)) && itemContent(text, at, end) !== 'none' ? 'item' : 'text';
  }
}

/** The depth of the ATX heading at `at`, 0 if there is none (CommonMark 0.31 §4.2). */
export function headingDepth(text: string, at: number, end: number): number {
  const after = skipRun(text, at, end, HASH);
  const depth = after - at;
  return depth >= 1 && depth <= 6 && (after === end || isBlank(text.charCodeAt(after))) ? depth : 0;
}

/** How many backticks or tildes open the fence at `at`, 0 if there is none (CommonMark 0.31 §4.5). */
export function fenceLength(text: string, at: number, end: number): number {
  const code = text.charCodeAt(at);
  if (code !== BACKTICK && code !== TILDE) return 0;
  const info = skipRun(text, at, end, code);
  if (info - at < 3) return 0;
  if (code === BACKTICK) for (let i = info; i < end; i += 1) if (text.charCodeAt(i) === BACKTICK) return 0;
  return info - at;
}

/** Whether the text at `at` closes a fence of `length` times `code`. */
export function closesFence(text: string, at: number, end: number, code: number, length: number): boolean {
  const after = skipRun(text, at, end, code);
  return after - at >= length && skipBlanks(text, after, end) === end;
}

/** Whether the line is a thematic break (CommonMark 0.31 §4.1), or a setext underline of three dashes or more. */
function isRule(text: string, at: number, end: number): boolean {
  const code = text.charCodeAt(at);
  let count = 0;
  for (let i = at; i < end; i += 1) {
    const here = text.charCodeAt(i);
    if (here === code) count += 1;
    else if (!isBlank(here)) return false;
  }
  return count >= 3;
}

/** Whether this line, below a line of text, can be a setext underline or the delimiter row of a table. */
export function mayUnderline(text: string, at: number, end: number): boolean {
  const first = text.charCodeAt(at);
  if (first === EQUALS) return skipRun(text, at, end, EQUALS) === end;
  if (first !== DASH && first !== BAR && first !== COLON) return false;
  for (let i = at; i < end; i += 1) {
    const here = text.charCodeAt(i);
    if (here !== DASH && here !== BAR && here !== COLON && !isBlank(here)) return false;
  }
  return true;
}

/** Whether the `[` at `at` can open a definition, unless a paragraph is open (CommonMark 0.31 §4.7). */
function mayDefine(text: string, at: number, end: number): boolean {
  for (let i = at + 1; i < end; i += 1) {
    const here = text.charCodeAt(i);
    if (here === BACKSLASH) i += 1;
    else if (here === OPENING_BRACKET) return false;
    else if (here === CLOSING_BRACKET) return text.charCodeAt(i + 1) === COLON;
  }
  return true;
}

/**
 * The offset at which the content of the list item at `at` begins (CommonMark 0.31 §5.2); `none` if it is not a list item,
 * `unsure` if the item is empty or its content begins with a tab or as indented code.
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

/** Whether the item at `at` belongs to an ordered list. */
export function isOrdered(text: string, at: number): boolean {
  return isDigit(text.charCodeAt(at));
}

/** Whether the item at `at`, if it is not empty, can interrupt a paragraph: in an ordered list its number must be 1. */
export function canInterrupt(text: string, at: number): boolean {
  return !isOrdered(text, at) || (text.charCodeAt(at) === DIGIT_ONE && !isDigit(text.charCodeAt(at + 1)));
}

function isDigit(code: number): boolean {
  return code >= DIGIT_ZERO && code <= DIGIT_NINE;
}

/** Whether a text has a CR without an LF, which is a line end in CommonMark 0.31 §2.1 but in few other tools. */
export function holdsLoneCarriageReturn(text: string, span: Span): boolean {
  const inside = text.slice(span.start, span.end);
  for (let at = inside.indexOf('\r'); at !== -1; at = inside.indexOf('\r', at + 1))
    if (inside.charCodeAt(at + 1) !== LINE_FEED) return true;
  return false;
}

/**
 * How many list items, quotes and footnotes a line may begin: the markers before its text, whatever their effect. Stops
 * counting above `limit`.
 */
export function containerMarkers(text: string, start: number, end: number, limit: number): number {
  let count = 0;
  for (let at = skipBlanks(text, start, end); at < end && count <= limit; count += 1) {
    const code = text.charCodeAt(at);
    if (code === GREATER_THAN || code === PLUS) at += 1;
    else if (code === DASH || code === ASTERISK) {
      if (isRule(text, at, end)) break;
      at += 1;
    } else if (isDigit(code)) {
      while (at < end && isDigit(text.charCodeAt(at))) at += 1;
      at += 1;
    } else if (code === OPENING_BRACKET && text.charCodeAt(at + 1) === CARET) {
      while (at < end && text.charCodeAt(at) !== CLOSING_BRACKET) at += 1;
      at += 2;
    } else break;
    at = skipBlanks(text, at, end);
  }
  return count;
}
