import { BACKTICK, closesFence, fenceLength, LESS_THAN, LINE_FEED, skipBlanks, TILDE, trimEnd } from './lines.ts';
import { readMarkdownMarkers } from './markdown.ts';
import { isOpen, type Marker, type MarkerComment, markerComments, type MarkerScan } from './marker.ts';
import { scanMarkerLines } from './marker-lines.ts';

/**
 * The markers of a file in the form that almost all files have: markers and fences begin at column 0, and no line begins
 * with other HTML. A comment at column 0 ends every list, quote, table and paragraph before it (CommonMark 0.31 §4.6), so
 * only lines that begin a fence or HTML matter, and comments within a line. Undefined for any other file.
 */
export function plainMarkers(text: string, comments: readonly MarkerComment[]): readonly Marker[] | undefined {
  if (endsLinesOddly(text)) return undefined;
  const markers: Marker[] = [];
  let fence: { readonly code: number; readonly length: number } | undefined;
  let comment = text.indexOf('<!--');
  let next = 0;
  for (let start = 0; start < text.length;) {
    const feed = text.indexOf('\n', start);
    const stop = feed === -1 ? text.length : feed;
    const at = skipBlanks(text, start, stop);
    const code = text.charCodeAt(at);
    const mayFence = code === BACKTICK || code === TILDE;
    if (fence !== undefined) {
      if (mayFence && closes(text, start, trimEnd(text, start, stop), fence)) fence = undefined;
    } else {
      while (comment !== -1 && comment < start) comment = text.indexOf('<!--', comment + 1);
      if (mayFence && isRun(text, at, code)) {
        if (at > start) return undefined;
        const length = fenceLength(text, at, trimEnd(text, at, stop));
        if (length > 0) fence = { code, length };
        if (comment !== -1 && comment < stop) return undefined;
      } else if (code === LESS_THAN) {
        const end = trimEnd(text, start, stop);
        while ((comments[next]?.start ?? text.length) < start) next += 1;
        const found = comments[next];
        if (found?.start !== start || found.end !== end || isOpen(text, found)) return undefined;
        markers.push({ ...found, misplaced: false });
      } else if (comment !== -1 && comment < stop) return undefined;
    }
    start = stop + 1;
  }
  return markers;
}

/**
 * Whether a text has characters that `plainMarkers` does not handle: a lone CR, which ends a line in CommonMark, the line
 * separators of Unicode, a byte-order mark.
 */
function endsLinesOddly(text: string): boolean {
  if (text.includes('\u2028') || text.includes('\u2029') || text.includes('\uFEFF')) return true;
  for (let at = text.indexOf('\r'); at !== -1; at = text.indexOf('\r', at + 1))
    if (text.charCodeAt(at + 1) !== LINE_FEED) return true;
  return false;
}

function isRun(text: string, at: number, code: number): boolean {
  return text.charCodeAt(at + 1) === code && text.charCodeAt(at + 2) === code;
}

function closes(
  text: string,
  start: number,
  end: number,
  fence: { readonly code: number; readonly length: number },
): boolean {
  const at = skipBlanks(text, start, end);
  const isIndented = at - start >= 4 || text.slice(start, at).includes('\t');
  return !isIndented && closesFence(text, at, end, fence.code, fence.length);
}

/** How many parts of one file remark may be asked about, and how many characters in total. Only a hostile file comes near it. */
const MAX_DOUBTS = 500;

const MAX_DOUBTED_LENGTH = 131_072;

/**
 * The markers of a whole file in order. Comments in code, and in HTML that begins with something else, are not markers
 * (CommonMark 0.31, with the tables and footnotes of GFM). If lines alone cannot tell, remark decides for the blocks
 * around them, within its limits. Otherwise linear in the text.
 */
export function findMarkers(text: string): MarkerScan {
  const comments = markerComments(text);
  if (comments.length === 0) return { type: 'markers', markers: [] };
  const plain = plainMarkers(text, comments);
  if (plain !== undefined) return { type: 'markers', markers: plain };
  const { markers, doubts } = scanMarkerLines(text, comments);
  const all = [...markers];
  let doubtedLength = 0;
  for (const [index, doubt] of doubts.entries()) {
    doubtedLength += doubt.end - doubt.start;
    if (index === MAX_DOUBTS || doubtedLength > MAX_DOUBTED_LENGTH) {
      return { type: 'too-complex', reason: 'too many markers in lists, quotes or HTML', ...doubt };
    }
    const result = readMarkdownMarkers(text, doubt);
    if (result.type === 'too-complex') return { ...result, ...doubt };
    for (const marker of result.markers) all.push(marker);
  }
  return { type: 'markers', markers: doubts.length === 0 ? all : all.sort((a, b) => a.start - b.start) };
}
