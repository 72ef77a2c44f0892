import type { RootContent } from 'mdast';
import { inlineComments } from '../inline-comments.ts';
import { commentsWithin, isOpen, markerComments } from '../parse/marker-comments.ts';
import type { Marker } from '../parse/marker.ts';
import { trimSpan } from './characters.ts';
import { offsets, parseBlocks } from './markdown-parse.ts';

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
