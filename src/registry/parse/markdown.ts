import { exceededBound } from '../outline/bounds.ts';
import { BYTE_ORDER_MARK } from '../outline/characters.ts';
import { askMarkdown } from '../outline/markdown-thread.ts';
import type { Span } from '../position.ts';
import type { MarkdownAnswer, MarkdownQuestion } from './markdown-worker.ts';
import type { MarkerScan } from './marker.ts';
import type { OutlineResult } from './outline.ts';

type Refusal = OutlineResult & { readonly type: 'too-complex' };

/**
 * The outline of a block as remark makes it, with the tables and footnotes of GFM: the reference. What remark is given
 * is bounded in size, depth and time; `reason` says which bound the block exceeds. Loads remark at the first call.
 */
export function readMarkdown(text: string, block: Span): OutlineResult {
  const answer = ask('outline', text, block);
  return answer.type === 'markers' ? noAnswer : answer;
}

/** The markers in a part of a text that begins and ends between two blocks of the document, as remark sees it, within the same bounds. */
export function readMarkdownMarkers(text: string, part: Span): (MarkerScan & { readonly type: 'markers' }) | Refusal {
  const answer = ask('markers', text, part);
  return answer.type === 'outline' ? noAnswer : answer;
}

const noAnswer: Refusal = { type: 'too-complex', reason: 'remark does not answer in time' };

function ask(
  about: MarkdownQuestion['about'],
  text: string,
  span: Span,
): Exclude<MarkdownAnswer, { type: 'failed' }> | Refusal {
  const reason = exceededBound(text, span);
  if (reason !== undefined) return { type: 'too-complex', reason };
  const start = span.start === 0 && text.charCodeAt(0) === BYTE_ORDER_MARK ? 1 : span.start;
  // The line end in front keeps remark from dropping U+FEFF where it is no byte-order mark, and all offsets with it.
  const answer = askMarkdown({ about, source: `\n${text.slice(start, span.end)}`, shift: start - 1 });
  if (answer === undefined) return noAnswer;
  return answer.type === 'failed' ? { type: 'too-complex', reason: answer.reason } : answer;
}
