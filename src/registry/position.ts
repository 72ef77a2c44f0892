/** A half-open range of offsets into a registry's text, in UTF-16 code units from 0. A byte-order mark counts as one. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A place in a file. Lines and columns count from 1, offsets from 0; columns are UTF-16 code units; ends are exclusive. */
export interface Position {
  readonly line: number;
  readonly column: number;
  readonly offset: number;
  readonly endLine: number;
  readonly endColumn: number;
  readonly endOffset: number;
}

/** Turns offsets of one text into places. */
export interface LineIndex {
  place(span: Span): Position;
}

/** Line ends are CRLF, LF and a lone CR (CommonMark 0.31 §2.1). The index is built by the first call of `place`. */
export function createLineIndex(text: string): LineIndex {
  let starts: number[] | undefined;
  // Most calls ask for the same line as the previous one, or for a line shortly after it.
  let last = 0;
  return {
    place(span) {
      starts ??= lineStarts(text);
      const from = lineAt(starts, span.start, last);
      const to = lineAt(starts, span.end, from);
      last = from;
      return {
        line: from + 1,
        column: span.start - (starts[from] ?? 0) + 1,
        offset: span.start,
        endLine: to + 1,
        endColumn: span.end - (starts[to] ?? 0) + 1,
        endOffset: span.end,
      };
    },
  };
}

function lineStarts(text: string): number[] {
  const starts = [0];
  let carriage = text.indexOf('\r');
  for (let at = 0; ;) {
    const feed = text.indexOf('\n', at);
    while (carriage !== -1 && (feed === -1 || carriage < feed)) {
      if (carriage + 1 !== feed) starts.push(carriage + 1);
      carriage = text.indexOf('\r', carriage + 1);
    }
    if (feed === -1) return starts;
    at = feed + 1;
    starts.push(at);
  }
}

/** The line that contains an offset. Searches first near a line that is probably close. */
function lineAt(starts: readonly number[], offset: number, near: number): number {
  if ((starts[near] ?? 0) <= offset) {
    for (let line = near; line < near + 8; line++) {
      if ((starts[line + 1] ?? Infinity) > offset) return line;
    }
  }
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
