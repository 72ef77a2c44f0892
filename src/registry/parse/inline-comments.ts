import type { Span } from '../position.ts';
import { commentsWithin, isOpen, type MarkerComment } from './marker.ts';

const attribute = String.raw`\s+[A-Za-z_:][\w.:-]*(?:\s*=\s*(?:[^\s"'=<>${'`'}]+|'[^']*'|"[^"]*"))?`;

const tagOrAutolink = new RegExp(
  [
    `<[A-Za-z][A-Za-z0-9-]*(?:${attribute})*\\s*/?>`,
    '</[A-Za-z][A-Za-z0-9-]*\\s*>',
    String.raw`<[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>\u0000-\u0020\u007f]*>`,
    String.raw`<[\w.!#$%&'*+/=?^${'`'}{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*>`,
  ].join('|'),
  'y',
);

const punctuation = /[!-/:-@[-`{-~]/;

const longHtml = [
  { opening: '<!--', closing: '-->', inside: 2 },
  { opening: '<![CDATA[', closing: ']]>', inside: 9 },
  { opening: '<?', closing: '?>', inside: 2 },
];

/**
 * The `comments` that are inline HTML of the text in `span`: not in inline code, not inside a longer tag, not after a
 * backslash (CommonMark 0.31 §6). Ignores links, so a marker in a link's title counts. Linear.
 */
export function inlineComments(text: string, span: Span, comments: readonly MarkerComment[]): readonly MarkerComment[] {
  const candidates = commentsWithin(comments, span);
  const last = candidates.at(-1);
  if (last === undefined) return [];
  const source = text.slice(span.start, span.end);
  const byStart = new Map(candidates.map((comment) => [comment.start - span.start, comment]));
  const found: MarkerComment[] = [];
  const lastRuns = lastBacktickRuns(source);
  const unclosed = new Set<string>();

  for (let at = 0; at <= last.start - span.start;) {
    const comment = byStart.get(at);
    if (comment !== undefined && isOpen(text, comment)) {
      const after = afterHtml(source, at, unclosed);
      if (after > at + 1) found.push(comment);
      at = after;
    } else if (comment !== undefined) {
      found.push(comment);
      at = comment.end - span.start;
    } else if (source[at] === '\\') at += punctuation.test(source[at + 1] ?? '') ? 2 : 1;
    else if (source[at] === '`') at = afterCode(source, at, lastRuns);
    else if (source[at] === '<') at = afterHtml(source, at, unclosed);
    else at += 1;
  }
  return found;
}

function afterCode(source: string, at: number, lastRuns: ReadonlyMap<number, number>): number {
  const length = runLength(source, at);
  if ((lastRuns.get(length) ?? -1) <= at) return at + length;
  for (let close = source.indexOf('`', at + length); ;) {
    const closeLength = runLength(source, close);
    if (closeLength === length) return close + length;
    close = source.indexOf('`', close + closeLength);
  }
}

function afterHtml(source: string, at: number, unclosed: Set<string>): number {
  for (const { opening, closing, inside } of longHtml) {
    if (!source.startsWith(opening, at) || unclosed.has(closing)) continue;
    const close = source.indexOf(closing, at + inside);
    if (close !== -1) return close + closing.length;
    unclosed.add(closing);
  }
  if (/^<![A-Za-z]/.test(source.slice(at, at + 3)) && !unclosed.has('>')) {
    const close = source.indexOf('>', at);
    if (close !== -1) return close + 1;
    unclosed.add('>');
  }
  tagOrAutolink.lastIndex = at;
  return tagOrAutolink.test(source) ? tagOrAutolink.lastIndex : at + 1;
}

function runLength(source: string, at: number): number {
  let end = at;
  while (source[end] === '`') end += 1;
  return end - at;
}

/** The offset of the last run of backticks of each length: a run that no equal run follows does not open code. */
function lastBacktickRuns(source: string): ReadonlyMap<number, number> {
  const last = new Map<number, number>();
  for (let at = source.indexOf('`'); at !== -1;) {
    const length = runLength(source, at);
    last.set(length, at);
    at = source.indexOf('`', at + length);
  }
  return last;
}
