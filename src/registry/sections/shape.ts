import type { OutlineNode } from '../parse/outline.ts';
import { headingText } from '../outline/slices.ts';
import type { Span } from '../position.ts';
import type { Report } from '../report.ts';
import { trim, withoutComment } from '../text.ts';
import { reportPlaceholder } from '../values/placeholder.ts';

/** A block's outline, taken apart: what stands where, before any kind gives it meaning. Comments are in none of it. */
export interface Shape {
  readonly title: Span | undefined;
  /** What stands before the title. */
  readonly stray: readonly OutlineNode[];
  /** What stands between the title and the first section. */
  readonly header: readonly OutlineNode[];
  readonly sections: readonly ShapeSection[];
  /** What stands under further titles, which are no part of the record. */
  readonly rest: readonly ShapeSection[];
}

export interface ShapeSection {
  readonly title: Span;
  readonly nodes: readonly OutlineNode[];
}

/**
 * `###` is the title, `####` opens a section. A second `###` is reported and ends the record, unless the kind has
 * free headings: then it opens a section too. HTML is text, unless it is nothing but comments.
 */
export function takeApart(
  text: string,
  block: Span,
  nodes: readonly OutlineNode[],
  freeForm: boolean,
  report: Report,
): Shape {
  let title: Span | undefined;
  const stray: OutlineNode[] = [];
  const header: OutlineNode[] = [];
  const sections: OpenSection[] = [];
  const rest: OpenSection[] = [];
  let current = stray;
  for (const node of nodes) {
    if (node.type === 'other' && node.name === 'html' && isComment(text.slice(node.start, node.end))) continue;
    const depth = node.type === 'heading' ? node.depth : undefined;
    if (depth === 3 && title === undefined) {
      title = titleOf(node);
      current = header;
    } else if (title === undefined) {
      report.add('text-stray', node, { message: 'This text stands before the ### title.' });
      stray.push(node);
    } else if (depth === 3 && !freeForm) {
      report.add('title-extra', node);
      current = open(rest, node);
    } else if (depth !== undefined && depth <= 4 && rest.length === 0) {
      current = open(sections, node);
    } else current.push(node);
  }
  if (title === undefined || title.start === title.end) {
    report.add('title-missing', title ?? firstLine(text, block));
    title = undefined;
  } else if (reportPlaceholder(text.slice(title.start, title.end), title, report)) title = undefined;
  return { title, stray, header, sections, rest };

  function open(list: OpenSection[], node: OutlineNode): OutlineNode[] {
    const section = { title: titleOf(node), nodes: [] };
    list.push(section);
    return section.nodes;
  }

  function titleOf(node: OutlineNode): Span {
    return node.type === 'heading' ? withoutComment(text, headingText(text, node)) : node;
  }
}

interface OpenSection {
  readonly title: Span;
  readonly nodes: OutlineNode[];
}

/** Whether HTML is comments and nothing else, so that nobody who reads the page misses it. */
function isComment(html: string): boolean {
  for (let at = 0; ;) {
    at = trim(html, { start: at, end: html.length }).start;
    if (at === html.length) return true;
    const close = html.startsWith('<!--', at) ? html.indexOf('-->', at + 2) : -1;
    if (close === -1) return false;
    at = close + 3;
  }
}

function firstLine(text: string, { start, end }: Span): Span {
  const feed = text.indexOf('\n', start);
  return { start, end: feed === -1 || feed > end ? end : feed };
}
