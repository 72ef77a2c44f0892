import type { RootContent } from 'mdast';
import type { Span } from '../position.ts';
import { trimSpan } from './characters.ts';
import { offsets, parseBlocks } from './markdown-parse.ts';
import type { OtherNode, OutlineNode } from '../parse/outline.ts';

const otherNames: Readonly<Record<string, OtherNode['name']>> = {
  blockquote: 'quote',
  definition: 'definition',
  footnoteDefinition: 'definition',
  html: 'html',
  table: 'table',
  thematicBreak: 'rule',
};

/** The outline of a block, its offsets moved by `shift`. Loads remark, and may throw on what overflows its stack. */
export function markdownOutline(source: string, shift: number): readonly OutlineNode[] {
  const { root, fences } = parseBlocks(source);
  return outline(root.children);

  function outline(nodes: readonly RootContent[]): OutlineNode[] {
    return nodes.flatMap((node): OutlineNode | OutlineNode[] => {
      switch (node.type) {
        case 'list':
          return node.children.map((item) => ({
            type: 'item',
            ordered: node.ordered === true,
            ...span(item),
            children: outline(item.children),
          }));
        case 'heading':
          return { type: 'heading', depth: node.depth, ...span(node) };
        case 'paragraph':
          return { type: 'paragraph', ...span(node) };
        case 'code': {
          const count = fences.get(node) ?? 0;
          return count === 0
            ? { type: 'other', name: 'code', ...span(node) }
            : { type: 'fence', ...span(node), closed: count > 1 };
        }
        default: {
          const name = otherNames[node.type];
          return name === undefined ? [] : { type: 'other', name, ...span(node) };
        }
      }
    });
  }

  function span(node: RootContent): Span {
    const { start, end } = trimSpan(source, offsets(node));
    return { start: start + shift, end: end + shift };
  }
}
