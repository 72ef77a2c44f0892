import { type MessagePort, parentPort } from 'node:worker_threads';
import type { Nodes, Root, RootContent } from 'mdast';
import { type CompileContext, type Extension as TreeExtension, fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFootnoteFromMarkdown } from 'mdast-util-gfm-footnote';
import { gfmTableFromMarkdown } from 'mdast-util-gfm-table';
import { gfmFootnote } from 'micromark-extension-gfm-footnote';
import { gfmTable } from 'micromark-extension-gfm-table';
import type { Extension } from 'micromark-util-types';
import type { Span } from '../position.ts';
import { trimSpan } from './lines.ts';
import { commentsWithin, isOpen, markerComments } from './marker-comments.ts';
import { inlineComments } from './marker-lines.ts';
import type { Marker } from './marker.ts';
import type { OtherNode, OutlineNode } from './outline.ts';

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

/** The markers of a text as remark sees its blocks, offsets moved by `shift`. Loads remark, and may throw on what overflows its stack. */
export function markdownMarkers(source: string, shift: number): readonly Marker[] {
  const comments = markerComments(source);
  return comments.length === 0 ? [] : parseBlocks(source).root.children.flatMap((node) => markersIn(node, true));

  function markersIn(node: RootContent, isTopLevel: boolean): readonly Marker[] {
    const span = trimSpan(source, offsets(node));
    switch (node.type) {
      case 'html': {
        const [first, ...others] = commentsWithin(comments, span);
        if (first?.start !== span.start) return [];
        if (isOpen(source, first)) return [marker(first, true)];
        const misplaced = !isTopLevel || first.end !== span.end;
        return [first, ...others].map((comment) => marker(comment, misplaced));
      }
      case 'heading':
      case 'paragraph':
      case 'tableCell':
        return inlineComments(source, span, comments).map((comment) => marker(comment, true));
      default:
        return 'children' in node ? node.children.flatMap((child) => markersIn(child, false)) : [];
    }
  }

  function marker(comment: Omit<Marker, 'misplaced'>, misplaced: boolean): Marker {
    return { ...comment, start: comment.start + shift, end: comment.end + shift, misplaced };
  }
}

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

/** The first message: where questions come from and answers go, and the flag that wakes the one who waits. */
export interface MarkdownChannel {
  readonly port: MessagePort;
  readonly answered: Int32Array;
}

/** `shift` is added to every offset of the answer. */
export interface MarkdownQuestion {
  readonly about: 'outline' | 'markers';
  readonly source: string;
  readonly shift: number;
}

export type MarkdownAnswer =
  | { readonly type: 'outline'; readonly nodes: readonly OutlineNode[] }
  | { readonly type: 'markers'; readonly markers: readonly Marker[] }
  | { readonly type: 'failed'; readonly reason: string };

parentPort?.on('message', ({ port, answered }: MarkdownChannel) => {
  port.on('message', (question: MarkdownQuestion) => {
    port.postMessage(answerTo(question));
    Atomics.store(answered, 0, 1);
    Atomics.notify(answered, 0);
  });
});

function answerTo({ about, source, shift }: MarkdownQuestion): MarkdownAnswer {
  try {
    return about === 'outline'
      ? { type: 'outline', nodes: markdownOutline(source, shift) }
      : { type: 'markers', markers: markdownMarkers(source, shift) };
  } catch (error) {
    return { type: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
}
