import type { Nodes, Root, RootContent } from 'mdast';
import { type CompileContext, type Extension as TreeExtension, fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFootnoteFromMarkdown } from 'mdast-util-gfm-footnote';
import { gfmTableFromMarkdown } from 'mdast-util-gfm-table';
import { gfmFootnote } from 'micromark-extension-gfm-footnote';
import { gfmTable } from 'micromark-extension-gfm-table';
import type { Extension } from 'micromark-util-types';

/** Only blocks are wanted, and inline constructs cost remark the most time: these are all that can be turned off. */
const inlineConstructs = [
  'attention',
  'autolink',
  'characterEscape',
  'characterReference',
  'codeText',
  'gfmFootnoteCall',
  'gfmPotentialFootnoteCall',
  'hardBreakEscape',
  'htmlText',
  'labelEnd',
  'labelStartImage',
  'labelStartLink',
];

const syntax: Extension[] = [gfmTable(), gfmFootnote(), { disable: { null: inlineConstructs } }];

export interface BlockTree {
  readonly root: Root;
  /** How many fences each piece of code has: none if it is indented, one if it is never closed. */
  readonly fences: ReadonlyMap<Nodes, number>;
}

/** The blocks of a text as remark sees them, what is inline left as it stands. May throw on what overflows its stack. */
export function parseBlocks(source: string): BlockTree {
  const fences = new Map<Nodes, number>();
  const mdastExtensions = [gfmTableFromMarkdown(), gfmFootnoteFromMarkdown(), fenceCounter(fences)];
  return { root: fromMarkdown(source, { extensions: syntax, mdastExtensions }), fences };
}

function fenceCounter(fences: Map<Nodes, number>): TreeExtension {
  function codeFencedFence(this: CompileContext): undefined {
    const node = this.stack.findLast((open) => open.type === 'code');
    if (node !== undefined) fences.set(node, (fences.get(node) ?? 0) + 1);
  }
  return { enter: { codeFencedFence } };
}

/** Where a node stands in the text that was parsed. */
export function offsets(node: RootContent): { readonly start: number; readonly end: number } {
  return { start: node.position?.start.offset ?? 0, end: node.position?.end.offset ?? 0 };
}
