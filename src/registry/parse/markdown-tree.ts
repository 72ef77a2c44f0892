import type { RootContent } from 'mdast';
import remarkGfm from 'remark-gfm';
import remarkParse from 'remark-parse';
import { type Processor, unified } from 'unified';
import type { Span } from '../position.ts';
import { inlineComments } from './inline-comments.ts';
import { trimSpan } from './lines.ts';
import { commentsWithin, isOpen, type Marker, markerComments } from './marker.ts';
import type { OtherNode, OutlineNode } from './outline.ts';

/**
 * All inline constructs that micromark and its GFM extensions allow to disable. Records need blocks only, and remark takes
 * quadratic time for inline constructs.
 */
const inlineConstructs = [
  'attention',
  'autolink',
  'characterEscape',
  'characterReference',
  'codeText',
  'emailAutolink',
  'gfmFootnoteCall',
  'gfmPotentialFootnoteCall',
  'hardBreakEscape',
  'htmlText',
  'labelEnd',
  'labelStartImage',
  'labelStartLink',
  'protocolAutolink',
  'strikethrough',
  'tasklistCheck',
  'wwwAutolink',
];

declare module 'mdast' {
  interface CodeData {
    /** How many fences the code has: absent if it is indented, 1 if it is never closed. */
    fences?: number;
  }
}

/** A unified plugin: parses blocks only, and counts the fences of each piece of code. */
function blocksOnly(this: Processor): void {
  const data = this.data();
  (data.micromarkExtensions ??= []).push({ disable: { null: inlineConstructs } });
  (data.fromMarkdownExtensions ??= []).push({
    enter: {
      codeFencedFence() {
        const code = this.stack.findLast((open) => open.type === 'code');
        if (code !== undefined) code.data = { ...code.data, fences: (code.data?.fences ?? 0) + 1 };
      },
    },
  });
}

const remark = unified().use(remarkParse).use(remarkGfm).use(blocksOnly);

const otherNames: Readonly<Record<string, OtherNode['name']>> = {
  blockquote: 'quote',
  definition: 'definition',
  footnoteDefinition: 'definition',
  html: 'html',
  table: 'table',
  thematicBreak: 'rule',
};

/** The outline of a text, with `shift` added to each offset. Throws if remark overflows the stack. */
export function markdownOutline(source: string, shift: number): readonly OutlineNode[] {
  return outlineOf(remark.parse(source).children);

  function outlineOf(nodes: readonly RootContent[]): OutlineNode[] {
    return nodes.flatMap((node): OutlineNode | OutlineNode[] => {
      switch (node.type) {
        case 'list':
          return node.children.map((item) => ({
            type: 'item',
            ordered: node.ordered === true,
            ...span(item),
            children: outlineOf(item.children),
          }));
        case 'heading':
          return { type: 'heading', depth: node.depth, ...span(node) };
        case 'paragraph':
          return { type: 'paragraph', ...span(node) };
        case 'code': {
          const fences = node.data?.fences;
          return fences === undefined
            ? { type: 'other', name: 'code', ...span(node) }
            : { type: 'fence', ...span(node), closed: fences > 1 };
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

/** The markers of a text, with `shift` added to each offset. Throws if remark overflows the stack. */
export function markdownMarkers(source: string, shift: number): readonly Marker[] {
  const comments = markerComments(source);
  return comments.length === 0 ? [] : remark.parse(source).children.flatMap((node) => markersIn(node, true));

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

/** Where a node is in the text that was parsed. */
function offsets(node: RootContent): Span {
  return { start: node.position?.start.offset ?? 0, end: node.position?.end.offset ?? 0 };
}
