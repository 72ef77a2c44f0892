import type { Span } from './place.ts';

/** A comment in the form of a marker, wherever it stands. */
export interface MarkerComment extends Span {
  readonly edge: 'start' | 'end';
  /** What stands between `EMBED:` and the edge, in capitals. It need not be the name of a kind. */
  readonly name: string;
  /** Whether it is spelt `<!-- EMBED:NAME:START -->`, to the letter. */
  readonly canonical: boolean;
}

const form = /<!--[ \t]*embed[ \t]*:[ \t]*([\w.-]+)[ \t]*:[ \t]*(start|end)[ \t]*-->/gi;

/** All of them, in the order of the text. Case, and blanks around words, may be odd. */
export function markerComments(text: string): readonly MarkerComment[] {
  const comments: MarkerComment[] = [];
  for (const match of text.matchAll(form)) {
    const [spelling, written = '', written2 = ''] = match;
    const name = written.toUpperCase();
    const edge = written2.toUpperCase() === 'START' ? 'start' : 'end';
    const canonical = spelling === `<!-- EMBED:${name}:${edge.toUpperCase()} -->`;
    comments.push({ edge, name, canonical, start: match.index, end: match.index + spelling.length });
  }
  return comments;
}

/** The part of sorted `comments` that stands in `span`. */
export function commentsWithin(comments: readonly MarkerComment[], span: Span): readonly MarkerComment[] {
  let low = 0;
  let high = comments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((comments[middle]?.start ?? 0) < span.start) low = middle + 1;
    else high = middle;
  }
  const first = low;
  while ((comments[low]?.end ?? Number.POSITIVE_INFINITY) <= span.end) low += 1;
  return comments.slice(first, low);
}
