import { isOpen, type MarkerComment } from './marker-comments.ts';
import type { Marker } from './markers.ts';
import { lineEnd, skipBlanks, trimBlanks } from './outline/characters.ts';
import { closesFence, fenceLength } from './outline/line-starts.ts';

/**
 * All that can keep a comment at column 0 from being a marker, and all comments: lines that begin a fence or HTML,
 * comments within a line, what ends a line for CommonMark or for this pattern and not for the other, and byte-order
 * marks, which hide the beginning of a line from this pattern.
 */
const decisive = /^[ \t]*(?:```|~~~|<)|<!--|\r(?!\n)|[\u2028\u2029\uFEFF]/gm;

/**
 * The markers of a file in the form that almost all have: markers and fences begin at column 0 and no line begins with
 * other HTML. A comment at column 0 ends every list, quote, table and paragraph before it (CommonMark 0.31 §4.6), so
 * only fences matter, and all other lines are passed over. Undefined for any other file.
 */
export function plainMarkers(text: string, comments: readonly MarkerComment[]): readonly Marker[] | undefined {
  const markers: Marker[] = [];
  let fence: { readonly code: number; readonly length: number } | undefined;
  let next = 0;
  decisive.lastIndex = 0;
  for (let match = decisive.exec(text); match !== null; match = decisive.exec(text)) {
    const start = match.index;
    const end = lineEnd(text, start, text.length);
    if (/^[\r\u2028\u2029\uFEFF]/.test(match[0])) return undefined;
    if (fence !== undefined) {
      if (isFence(match[0]) && closes(text, start, end, fence)) fence = undefined;
    } else if (isFence(match[0])) {
      const length = fenceLength(text, start, trimBlanks(text, start, end));
      if (match[0].length > 3) return undefined;
      if (length > 0) fence = { code: text.charCodeAt(start), length };
      continue;
    } else if (match[0] === '<') {
      while ((comments[next]?.start ?? text.length) < start) next += 1;
      const comment = comments[next];
      if (comment?.start !== start || comment.end !== trimBlanks(text, start, end) || isOpen(text, comment))
        return undefined;
      markers.push({ ...comment, misplaced: false });
    } else return undefined;
    decisive.lastIndex = end;
  }
  return markers;
}

function isFence(found: string): boolean {
  return found.endsWith('`') || found.endsWith('~');
}

function closes(
  text: string,
  start: number,
  end: number,
  fence: { readonly code: number; readonly length: number },
): boolean {
  const at = skipBlanks(text, start, end);
  const isIndented = at - start >= 4 || text.slice(start, at).includes('\t');
  return !isIndented && closesFence(text, at, trimBlanks(text, at, end), fence.code, fence.length);
}
