import { markerNames, nearMissOf } from './near-misses.ts';
import type { Span } from '../position.ts';

/** A comment in the form of a marker, anywhere in a text. */
export interface MarkerComment extends Span {
  /** `slip` for a comment that is almost a marker and has no effect. */
  readonly edge: 'start' | 'end' | 'slip';
  /** What is between `EMBED:` and the edge, in capitals; not necessarily the name of a kind. For a slip: the kind it probably means. */
  readonly name: string;
  /** Whether it is spelt exactly `<!-- EMBED:NAME:START -->`. */
  readonly canonical: boolean;
  /** For a slip: the edge it means, if that is clear. */
  readonly meant?: 'start' | 'end';
}

/**
 * A marker of a registry. It is the edge of a block if it is a whole HTML block at the top level of the document. In a
 * list, a quote, a table or a paragraph, or next to other text on its line, it is misplaced and has no effect.
 */
export interface Marker extends MarkerComment {
  readonly misplaced: boolean;
}

/** The markers of a text in order, or the span and the reason why they cannot be told from ordinary text. */
export type MarkerScan =
  | { readonly type: 'markers'; readonly markers: readonly Marker[] }
  | ({ readonly type: 'too-complex'; readonly reason: string } & Span);

/** Blanks that look like one, or like nothing, may be in the place of a blank, and a wide colon in that of a colon. */
const blanks = '[ \\t\\u00A0\\u200B\\u2007\\u202F\\u2060\\u3000\\uFEFF]*';

const form = new RegExp(
  String.raw`<!--${blanks}embed${blanks}[:：]${blanks}([\w.-]+)${blanks}[:：]${blanks}(?:(start)|end)${blanks}-->`,
  'iy',
);

/**
 * A comment that begins with EMBED or a form of it, or with the name of a kind and an edge, and either ends on its line or is
 * still open at the end of the line.
 */
const nearly = new RegExp(
  String.raw`<!--[ \t-]*(?:embed(?:ded|ding|s)?|(?=(?:${markerNames.join('|')})[ \t]*[:_-][ \t]*(?:start|end)\b))` +
    String.raw`(?:([^<>\`\r\n]{1,160})-->|((?:(?!-->)[^<\`\r\n]){1,160}?)[ \t]{0,160}(?:(?=[\r\n])|$))`,
  'iy',
);

/** All comments in the form of markers, in the order of the text, in any case and spacing. */
export function markerComments(text: string): readonly MarkerComment[] {
  const comments: MarkerComment[] = [];
  for (let at = text.indexOf('<!--'); at !== -1; at = text.indexOf('<!--', at + 1)) {
    form.lastIndex = at;
    const match = form.exec(text);
    if (match === null) {
      const slip = slipAt(text, at);
      if (slip !== undefined) comments.push(slip);
      continue;
    }
    const [spelling, label = '', start] = match;
    const name = label.toUpperCase();
    const edge = start === undefined ? 'end' : 'start';
    const canonical = spelling === `<!-- EMBED:${name}:${edge.toUpperCase()} -->`;
    comments.push({ edge, name, canonical, start: at, end: at + spelling.length });
  }
  return comments;
}

function slipAt(text: string, start: number): MarkerComment | undefined {
  nearly.lastIndex = start;
  const match = nearly.exec(text);
  if (match === null) return undefined;
  const slip = nearMissOf(match[1] ?? match[2] ?? '');
  if (slip === undefined) return undefined;
  const { name, edge } = slip;
  const place = { start, end: start + match[0].trimEnd().length };
  return { edge: 'slip', name, canonical: false, ...(edge === undefined ? {} : { meant: edge }), ...place };
}

/** Whether a comment is not closed on its line, so that it hides everything up to the next `-->`. */
export function isOpen(text: string, { edge, end }: MarkerComment): boolean {
  return edge === 'slip' && !text.startsWith('-->', end - 3);
}

/** The comments inside `span`; `comments` must be in the order of the text. */
export function commentsWithin(comments: readonly MarkerComment[], span: Span): readonly MarkerComment[] {
  let first = 0;
  for (let beyond = comments.length; first < beyond;) {
    const middle = (first + beyond) >> 1;
    if ((comments[middle]?.start ?? 0) < span.start) first = middle + 1;
    else beyond = middle;
  }
  let last = first;
  while ((comments[last]?.end ?? Number.POSITIVE_INFINITY) <= span.end) last += 1;
  return comments.slice(first, last);
}
