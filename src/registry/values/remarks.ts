import { inlineText, plainCharacters } from '../parse/inline-text.ts';

/** A value with the remark that its writer put after it: `Resolved (2025-10-03)`. */
export interface Remarked<Value> {
  readonly value: Value;
  readonly remark: string | undefined;
}

/** A value as a reader of the page sees it, on one line and in plain characters. Struck-out text is left out. */
export function shownText(text: string): string {
  return plainCharacters(inlineText(text, 'drop')).replaceAll(/\s+/g, ' ').trim();
}

const symbolsBefore = /^(?:\[[ xX]\]|[\p{Extended_Pictographic}\p{So}✓✔\s]|\u200D|\uFE0F|\u20E3)+/u;

const symbolAfter = /^(?:[\p{Extended_Pictographic}\p{So}✓✔.!;,\s]|\u200D|\uFE0F|\u20E3)$/u;

const closing: Readonly<Record<string, string>> = {
  '(': ')',
  '[': ']',
  '{': '}',
  '"': '"',
  "'": "'",
  '“': '”',
  '„': '“',
  '‘': '’',
  '«': '»',
  '「': '」',
  '【': '】',
};

/** Without check marks and symbols around a value, and without the brackets or quotes that enclose it. */
function withoutMarks(text: string): string {
  let rest = text;
  for (;;) {
    const before = rest;
    rest = withoutSymbolsAfter(rest.replace(symbolsBefore, ''));
    const last = closing[rest.charAt(0)];
    if (last !== undefined && rest.length > 2 && rest.indexOf(last, 1) === rest.length - 1)
      rest = rest.slice(1, -1).trim();
    if (rest === before) return rest;
  }
}

/** From the end on: an expression that ends in `$` tries every place where symbols begin. */
function withoutSymbolsAfter(text: string): string {
  let end = text.length;
  for (;;) {
    const symbol = String.fromCodePoint(text.codePointAt(end - 2) ?? 0);
    const last = symbol.length === 2 ? symbol : text.charAt(end - 1);
    if (!symbolAfter.test(last)) return text.slice(0, end);
    end -= last.length;
  }
}

/** What can follow a value before a remark. */
const beforeRemark = /\s*(?:[([]|[,;:.]\s|\s-+\s|\s#\s?|\s\|\s|\?)/g;

/**
 * The first part of a text that `read` knows and after which a remark can begin: `High – customers wait`,
 * `Resolved (2025-10-03)`. `text` must be a `shownText`.
 */
export function beforeRemarkIn<Value>(
  text: string,
  read: (head: string) => Value | undefined,
): Remarked<Value> | undefined {
  const whole = read(withoutMarks(text));
  if (whole !== undefined) return { value: whole, remark: undefined };
  for (const { 0: separator, index } of text.slice(0, 200).matchAll(beforeRemark)) {
    const value = read(withoutMarks(text.slice(0, index)));
    if (value === undefined) continue;
    const mark = separator.trim();
    const rest = text.slice(index + (/^[([?]$/.test(mark) ? separator.length - 1 : separator.length));
    return { value, remark: withoutBrackets(rest.trim()) };
  }
  return undefined;
}

function withoutBrackets(text: string): string {
  return /^\([^()]*\)$|^\[[^[\]]*\]$/.test(text) ? text.slice(1, -1).trim() : text;
}

/** Whether a remark may say that its value does not hold. */
export function isDoubtful(remark: string): boolean {
  return /\?|\b(?:not|never|no longer|unless|until|was|were|or|maybe|perhaps|probably|instead|except|but)\b|n['’]t\b/i.test(
    remark,
  );
}
