import type { Span } from '../place.ts';
import { readLines } from './lines.ts';
import { readMarkdown } from './markdown.ts';
import type { OutlineResult } from './outline.ts';

/** The outline of a block. `auto` takes the line reader where it is certain and remark elsewhere, `markdown` remark alone. */
export function outlineOf(text: string, block: Span, front: 'auto' | 'markdown'): OutlineResult {
  const nodes = front === 'auto' ? readLines(text, block) : undefined;
  return nodes === undefined ? readMarkdown(text, block) : { type: 'outline', nodes };
}
