import { nearMissOf } from './near-misses.ts';
import type { Span } from '../position.ts';

/** A comment in the form of a marker, wherever it stands. */
export interface MarkerComment extends Span {
  /** `slip` for one that is nearly a marker, and marks nothing. */
  readonly edge: 'start' | 'end' | 'slip';
  /** What stands between `EMBED:` and the edge, in capitals. It need not be the name of a kind. Of a slip, the kind that is meant. */
  readonly name: string;
  /** Whether it is spelt `<!-- EMBED:NAME:START -->`, to the letter. */
  readonly canonical: boolean;
  /** Of a slip: the edge that is meant, where that can be told. */
  readonly meant?: 'start' | 'end';
}

const form = /<!--[ \t]*embed[ \t]*:[ \t]*([\w.-]+)[ \t]*:[ \t]*(?:(start)|end)[ \t]*-->/iy;

/** A comment that begins with EMBED or a form of it and ends on its line, or that is still open where its line ends. */
const nearly =
  /<!--[ \t-]*embed(?:ded|ding|s)?(?:([^<>`\r\n]{1,160})-->|((?:(?!-->)[^<`\r\n]){1,160}?)[ \t]{0,160}(?:(?=[\r\n])|$))/iy;

/** All of them, in the order of the text. Case, and blanks around words, may be odd. */
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

/** Whether a comment is not closed on its line, so that it hides what follows up to the next `-->`. */
export function isOpen(text: string, { edge, end }: MarkerComment): boolean {
  return edge === 'slip' && !text.startsWith('-->', end - 3);
}

/** Those of `comments`, which are in the order of the text, that stand in `span`. */
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
