import type { Span } from '../place.ts';
import {
  BYTE_ORDER_MARK,
  HASH,
  LINE_FEED,
  CARRIAGE_RETURN,
  SPACE,
  TAB,
  skipBlanks,
  skipRun,
  trimBlanks,
} from './characters.ts';
import {
  ASTERISK,
  BACKTICK,
  CARET,
  DASH,
  DIGIT_ONE,
  GREATER_THAN,
  LESS_THAN,
  OPENING_BRACKET,
  PLUS,
  TILDE,
  UNDERSCORE,
  closesFence,
  fenceLength,
  headingDepth,
  isDigit,
  isPlainBracket,
  isRule,
  itemContent,
  mayUnderline,
} from './line-starts.ts';
import type { OutlineNode } from './outline.ts';

/** Nesting beyond this is no plain form, and whoever walks the outline may recurse. */
const MAX_DEPTH = 16;

/** A tab in indentation leads to this column at least. */
const TAB_STOP = 4;

interface OpenItem {
  readonly node: { readonly type: 'item'; readonly ordered: boolean; readonly start: number; end: number };
  readonly children: OutlineNode[];
  /** The column at which its content stands. */
  readonly content: number;
}

interface OpenFence {
  readonly node: { readonly type: 'fence'; readonly start: number; end: number; closed: boolean };
  readonly code: number;
  readonly length: number;
}

/**
 * The outline of a block in the plain form: ATX headings, paragraphs, fences, thematic breaks and list items, without
 * tabs in indentation. Undefined at the first line that is not certainly what remark would make of it (CommonMark 0.31
 * with the tables and footnotes of GFM): then nothing is known about the block. Linear in the block, one pass.
 */
export function readLines(text: string, block: Span): readonly OutlineNode[] | undefined {
  if (holdsLoneCarriageReturn(text, block)) return undefined;
  const root: OutlineNode[] = [];
  const items: OpenItem[] = [];
  let paragraph: { readonly type: 'paragraph'; readonly start: number; end: number } | undefined;
  let fence: OpenFence | undefined;
  let textEnd = block.start;

  /** Ends the items that a line has left; the last text before it stood in all of them. */
  function leaveItems(depth: number): OutlineNode[] {
    paragraph = undefined;
    while (items.length > depth) {
      const item = items.pop();
      if (item !== undefined) item.node.end = textEnd;
    }
    return items.at(-1)?.children ?? root;
  }

  let next = block.start;
  if (next === 0 && text.charCodeAt(0) === BYTE_ORDER_MARK) next = 1;
  while (next < block.end) {
    const line = next;
    let end = text.indexOf('\n', line);
    if (end === -1 || end >= block.end) end = block.end;
    next = end + 1;
    if (end > line && text.charCodeAt(end - 1) === CARRIAGE_RETURN) end -= 1;

    let at = skipRun(text, line, end, SPACE);
    let indent = at - line;
    if (at < end && text.charCodeAt(at) === TAB) {
      at = skipBlanks(text, at, end);
      if (at < end && (fence === undefined || items.length > 0)) return undefined;
      indent = TAB_STOP;
    }
    if (at === end) {
      paragraph = undefined;
      continue;
    }
    end = trimBlanks(text, at, end);

    let depth = 0;
    let content = 0;
    for (let item = items[0]; item !== undefined && indent >= item.content; item = items[depth]) {
      content = item.content;
      depth += 1;
    }
    const isIndentedCode = indent - content >= 4;

    if (fence !== undefined) {
      if (depth < items.length) return undefined;
      textEnd = fence.node.end = end;
      if (!isIndentedCode && closesFence(text, at, end, fence.code, fence.length)) {
        fence.node.closed = true;
        fence = undefined;
      }
      continue;
    }

    if (paragraph !== undefined && mayUnderline(text, at, end)) return undefined;
    if (isIndentedCode) {
      if (paragraph === undefined) return undefined;
      textEnd = paragraph.end = end;
      continue;
    }

    for (let placed = false; !placed;) {
      placed = true;
      const code = text.charCodeAt(at);
      if (code === LESS_THAN || code === GREATER_THAN) return undefined;
      if (code === HASH) {
        const headingLevel = headingDepth(text, at, end);
        if (headingLevel > 0) {
          leaveItems(depth).push({ type: 'heading', depth: headingLevel, start: at, end });
          break;
        }
      } else if (code === BACKTICK || code === TILDE) {
        const length = fenceLength(text, at, end);
        if (length > 0) {
          const node = { type: 'fence' as const, start: at, end, closed: false };
          leaveItems(depth).push(node);
          fence = { node, code, length };
          break;
        }
      } else if (code === OPENING_BRACKET) {
        if (paragraph === undefined ? !isPlainBracket(text, at, end) : text.charCodeAt(at + 1) === CARET)
          return undefined;
      } else if (code === DASH || code === ASTERISK || code === UNDERSCORE || code === PLUS || isDigit(code)) {
        if ((code === DASH || code === ASTERISK || code === UNDERSCORE) && isRule(text, at, end)) {
          if (paragraph !== undefined) return undefined;
          leaveItems(depth).push({ type: 'other', name: 'rule', start: at, end });
          break;
        }
        const itemStart = code === UNDERSCORE ? 'none' : itemContent(text, at, end);
        if (itemStart === 'unsure') return undefined;
        if (itemStart !== 'none') {
          const ordered = isDigit(code);
          const interrupts = paragraph !== undefined && depth === items.length;
          if (interrupts && ordered && (code !== DIGIT_ONE || isDigit(text.charCodeAt(at + 1)))) return undefined;
          const children: OutlineNode[] = [];
          const node = { type: 'item' as const, ordered, start: at, end, children };
          leaveItems(depth).push(node);
          items.push({ node, children, content: itemStart - line });
          if (items.length > MAX_DEPTH) return undefined;
          depth = items.length;
          at = itemStart;
          placed = false;
          continue;
        }
      }
      if (paragraph === undefined) {
        const node = { type: 'paragraph' as const, start: at, end };
        leaveItems(depth).push(node);
        paragraph = node;
      } else paragraph.end = end;
    }
    textEnd = end;
  }
  leaveItems(0);
  return root;
}

function holdsLoneCarriageReturn(text: string, block: Span): boolean {
  const inside = text.slice(block.start, block.end);
  for (let at = inside.indexOf('\r'); at !== -1; at = inside.indexOf('\r', at + 1))
    if (inside.charCodeAt(at + 1) !== LINE_FEED) return true;
  return false;
}
