import type { Span } from '../position.ts';
import {
  BYTE_ORDER_MARK,
  canInterrupt,
  CARRIAGE_RETURN,
  closesFence,
  fenceLength,
  headingDepth,
  holdsLoneCarriageReturn,
  isOrdered,
  itemContent,
  lineStart,
  mayUnderline,
  skipBlanks,
  skipRun,
  SPACE,
  TAB,
  trimBlanks,
} from './lines.ts';
import { readMarkdown } from './markdown.ts';
import type { OutlineNode, OutlineResult } from './outline.ts';

/** Deeper nesting is left to remark: code that walks the outline may recurse. */
const MAX_DEPTH = 16;

/** Indentation that makes code, and the first column a tab can lead to. */
const CODE_INDENT = 4;

interface OpenItem {
  readonly node: { readonly type: 'item'; readonly ordered: boolean; readonly start: number; end: number };
  readonly children: OutlineNode[];
  /** The column at which its content begins. */
  readonly content: number;
}

interface OpenParagraph {
  readonly type: 'paragraph';
  readonly start: number;
  end: number;
}

interface OpenFence {
  readonly type: 'fence';
  readonly start: number;
  end: number;
  closed: boolean;
}

/**
 * The outline of a block in the plain form: ATX headings, paragraphs, fences, thematic breaks, list items and comments of
 * one line, without tabs in indentation. Undefined if remark (CommonMark 0.31 with the tables and footnotes of GFM) might read any line
 * differently. One pass, linear in the block.
 */
export function readLines(text: string, block: Span): readonly OutlineNode[] | undefined {
  if (holdsLoneCarriageReturn(text, block)) return undefined;
  const root: OutlineNode[] = [];
  const items: OpenItem[] = [];
  let paragraph: OpenParagraph | undefined;
  let fence: OpenFence | undefined;
  let fenceRun = 0;
  /** The end of the last text that was read. */
  let textEnd = block.start;

  let next = block.start;
  if (next === 0 && text.charCodeAt(0) === BYTE_ORDER_MARK) next = 1;
  while (next < block.end) {
    const line = next;
    const feed = text.indexOf('\n', line);
    let end = feed === -1 ? block.end : Math.min(feed, block.end);
    next = end + 1;
    if (text.charCodeAt(end - 1) === CARRIAGE_RETURN && end > line) end -= 1;
    end = trimBlanks(text, line, end);
    if (end === line) paragraph = undefined;
    else if (readLine(line, end)) textEnd = end;
    else return undefined;
  }
  leaveItems(0);
  return root;

  /** Places a line that is not blank. False if remark might read the line differently. */
  function readLine(line: number, end: number): boolean {
    let at = skipRun(text, line, end, SPACE);
    let indent = at - line;
    if (text.charCodeAt(at) === TAB) {
      if (fence === undefined || items.length > 0) return false;
      at = skipBlanks(text, at, end);
      indent = CODE_INDENT;
    }
    let depth = 0;
    let content = 0;
    for (let item = items[0]; item !== undefined && indent >= item.content; item = items[depth]) {
      content = item.content;
      depth += 1;
    }
    const isCode = indent - content >= CODE_INDENT;

    if (fence !== undefined) {
      if (depth < items.length) return false;
      fence.end = end;
      if (!isCode && closesFence(text, at, end, text.charCodeAt(fence.start), fenceRun)) {
        fence.closed = true;
        fence = undefined;
      }
      return true;
    }
    if (paragraph !== undefined && mayUnderline(text, at, end)) return false;
    if (!isCode) return placeText(line, at, end, depth);
    if (paragraph === undefined) return false;
    paragraph.end = end;
    return true;
  }

  /** Places the rest of a line, from `at`, that is inside `depth` of the open items. */
  function placeText(line: number, at: number, end: number, depth: number): boolean {
    // remark decides this once for a whole line, including the content of items that the line opens.
    const interrupts = paragraph !== undefined && depth === items.length;
    for (;;) {
      const start = lineStart(text, at, end);
      switch (start) {
        case 'html':
          if (!isLineComment(text, at, end)) return false;
          leaveItems(depth).push({ type: 'other', name: 'html', start: at, end });
          return true;
        case 'quote':
        case 'footnote':
          return false;
        case 'definition':
          if (paragraph === undefined) return false;
          paragraph.end = end;
          return true;
        case 'text':
          if (paragraph === undefined) {
            const node: OpenParagraph = { type: 'paragraph', start: at, end };
            leaveItems(depth).push(node);
            paragraph = node;
          } else paragraph.end = end;
          return true;
        case 'heading':
          leaveItems(depth).push({ type: 'heading', depth: headingDepth(text, at, end), start: at, end });
          return true;
        case 'fence':
          fence = { type: 'fence', start: at, end, closed: false };
          fenceRun = fenceLength(text, at, end);
          leaveItems(depth).push(fence);
          return true;
        case 'rule':
          if (paragraph !== undefined) return false;
          leaveItems(depth).push({ type: 'other', name: 'rule', start: at, end });
          return true;
        case 'item': {
          const content = itemContent(text, at, end);
          if (typeof content === 'string' || depth === MAX_DEPTH) return false;
          if (interrupts && !canInterrupt(text, at)) return false;
          const children: OutlineNode[] = [];
          const node = { type: 'item' as const, ordered: isOrdered(text, at), start: at, end, children };
          leaveItems(depth).push(node);
          items.push({ node, children, content: content - line });
          depth += 1;
          at = content;
        }
      }
    }
  }

  /** Ends the items that a line is outside of, at the last text before it. Returns the list to which the next node belongs. */
  function leaveItems(depth: number): OutlineNode[] {
    paragraph = undefined;
    while (items.length > depth) {
      const item = items.pop();
      if (item !== undefined) item.node.end = textEnd;
    }
    return items.at(-1)?.children ?? root;
  }
}

/** Whether a line begins with a comment that ends on it: then the line is HTML, and nothing else is (CommonMark 0.31 §4.6). */
function isLineComment(text: string, at: number, end: number): boolean {
  return text.startsWith('<!--', at) && text.slice(at, end).includes('-->', '<!--'.length);
}

/** How many more characters of one file remark may read: bounds the time for a file of many blocks that are slow to read. */
export interface MarkdownBudget {
  characters: number;
}

/** The budget of a whole file, which is hundreds of records that need remark. */
export function markdownBudget(): MarkdownBudget {
  return { characters: 2 * 1024 * 1024 };
}

/**
 * The outline of a block. `auto` uses the line reader if it is certain, otherwise remark; `markdown` uses only remark.
 * What remark reads is subtracted from `budget`.
 */
export function outlineOf(
  text: string,
  block: Span,
  front: 'auto' | 'markdown',
  budget: MarkdownBudget,
): OutlineResult {
  const nodes = front === 'auto' ? readLines(text, block) : undefined;
  if (nodes !== undefined) return { type: 'outline', nodes };
  const length = block.end - block.start;
  if (length > budget.characters) return { type: 'too-complex', reason: 'too many such blocks in this file' };
  budget.characters -= length;
  return readMarkdown(text, block);
}
