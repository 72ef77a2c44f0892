import type { Span } from '../place.ts';
import { exceededBound } from './bounds.ts';
import { BYTE_ORDER_MARK } from './characters.ts';
import { askMarkdown } from './markdown-thread.ts';
import type { OutlineResult } from './outline.ts';

/**
 * The outline of a block as remark makes it, with the tables and footnotes of GFM: the reference. What remark is given
 * is bounded in size, depth and time; `reason` says which bound the block exceeds. Loads remark at the first call.
 */
export function readMarkdown(text: string, block: Span): OutlineResult {
  const reason = exceededBound(text, block);
  if (reason !== undefined) return { type: 'too-complex', reason };
  const start = block.start === 0 && text.charCodeAt(0) === BYTE_ORDER_MARK ? 1 : block.start;
  // The line end in front keeps remark from dropping U+FEFF where it is no byte-order mark, and all offsets with it.
  const source = `\n${text.slice(start, block.end)}`;
  const answer = askMarkdown({ about: 'outline', source, shift: start - 1 });
  if (answer?.type === 'outline') return answer;
  return { type: 'too-complex', reason: answer?.reason ?? 'remark did not answer in time' };
}
