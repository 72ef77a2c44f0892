import type { Span } from '../position.ts';

/** A line that git writes into a file that it could not merge, and the part of the file it marks. */
export interface MergeConflict extends Span {
  /** The first of its lines. */
  readonly line: Span;
}

const markerLine = /^(?:<{7}|\|{7}|={7}|>{7})(?:[ \t].*)?\r?$/gm;

/**
 * The merge conflicts of a text: from each `<<<<<<<` line to its `>>>>>>>` line. A lone line of another kind is one too,
 * unless it is `=======`, which underlines a heading.
 */
export function findMergeConflicts(text: string): readonly MergeConflict[] {
  if (!text.includes('<<<<<<<') && !text.includes('>>>>>>>') && !text.includes('|||||||')) return [];
  const found: { line: Span; start: number; end: number }[] = [];
  let isOpen = false;
  for (const { 0: written, index } of text.matchAll(markerLine)) {
    const line = { start: index, end: index + written.trimEnd().length };
    const last = found.at(-1);
    const edge = written.charAt(0);
    if (isOpen && edge !== '<' && last !== undefined) last.end = line.end;
    else if (edge !== '=') found.push({ line, ...line });
    if (edge !== '=' && edge !== '|') isOpen = edge === '<';
  }
  return found;
}
