import { plainMarkers } from '../plain-markers.ts';
import { readMarkdownMarkers } from './markdown.ts';
import { markerComments } from './marker-comments.ts';
import { scanMarkerLines } from './marker-lines.ts';
import type { MarkerScan } from './marker.ts';

/** What remark is asked about one file at most: so much that only a hostile file comes near it. */
const MAX_DOUBTS = 500;

const MAX_DOUBTED_LENGTH = 131_072;

/**
 * The markers of a whole file in their order. What looks like one in code, or in HTML that holds something before it,
 * is none (CommonMark 0.31, with the tables and footnotes of GFM). Where lines alone do not tell, remark decides on the
 * blocks around, within its bounds. Linear in the text otherwise.
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
      return { type: 'too-complex', reason: 'too much of the file is in lists, quotes or HTML around them', ...doubt };
    }
    const result = readMarkdownMarkers(text, doubt);
    if (result.type === 'too-complex') return { ...result, ...doubt };
    for (const marker of result.markers) all.push(marker);
  }
  return { type: 'markers', markers: doubts.length === 0 ? all : all.sort((a, b) => a.start - b.start) };
}
