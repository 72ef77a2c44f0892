import type { Span } from '../position.ts';
import { readLines } from '../parse/read-outline.ts';
import { readMarkdown } from '../parse/markdown.ts';
import type { OutlineResult } from '../parse/outline.ts';

/** The outline of a block. `auto` takes the line reader where it is certain and remark elsewhere, `markdown` remark alone. */
export function outlineOf(text: string, block: Span, front: 'auto' | 'markdown'): OutlineResult {
  const nodes = front === 'auto' ? readLines(text, block) : undefined;
  return nodes === undefined ? readMarkdown(text, block) : { type: 'outline', nodes };
}
