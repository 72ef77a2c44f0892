import type { OutlineNode } from '../outline/outline.ts';
import { headingText } from '../outline/slices.ts';
import type { Span } from '../place.ts';
import type { Report } from '../report.ts';
import { withoutComment } from '../text.ts';

/** A block's outline, taken apart: what stands where, before any kind gives it meaning. */
export interface Shape {
  readonly title: Span | undefined;
  /** What stands between the title and the first section. */
  readonly header: readonly OutlineNode[];
  readonly sections: readonly ShapeSection[];
}

export interface ShapeSection {
  readonly title: Span;
  readonly nodes: readonly OutlineNode[];
}

/**
 * `###` is the title, `####` opens a section. A second `###` is reported and ends the record, unless the kind has
 * free headings: then it opens a section too.
 */
export function takeApart(
  text: string,
  block: Span,
  nodes: readonly OutlineNode[],
  freeForm: boolean,
  report: Report,
): Shape {
  let title: Span | undefined;
  const header: OutlineNode[] = [];
  const sections: { readonly title: Span; readonly nodes: OutlineNode[] }[] = [];
  let current = header;
  for (const node of nodes) {
    if (node.type === 'other' && node.name === 'html') continue;
    if (node.type !== 'heading' || node.depth > 4) {
      if (title === undefined)
        report.add('text-stray', node, { message: 'Text before the ### title belongs to no record.' });
      else current.push(node);
    } else if (node.depth === 3 && title === undefined) {
      title = withoutComment(text, headingText(text, node));
    } else if (node.depth === 3 && !freeForm) {
      report.add('title-extra', node);
      break;
    } else if (title !== undefined) {
      current = [];
      sections.push({ title: withoutComment(text, headingText(text, node)), nodes: current });
    }
  }
  if (title === undefined || title.start === title.end) {
    report.add('title-missing', title ?? firstLine(text, block));
    title = undefined;
  }
  return { title, header, sections };
}

function firstLine(text: string, { start, end }: Span): Span {
  const feed = text.indexOf('\n', start);
  return { start, end: feed === -1 || feed > end ? end : feed };
}
