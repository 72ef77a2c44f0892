import type { Span } from '../position.ts';
import { HASH, isBlank, isLineEnd, lineEnd, nextLine, skipBlanks, skipRun, trimBlanks, trimEnd } from './lines.ts';

/**
 * The block structure of Markdown, as far as records need it: offsets, no text. Both front ends, the line reader of
 * `read-outline.ts` and remark in `markdown-tree.ts`, make this structure. The text of a heading and the language of a
 * fence are read from the text by the functions below, so the front ends cannot differ in them. Ends never include
 * trailing blanks or line ends.
 */
export type OutlineNode = HeadingNode | ParagraphNode | ItemNode | FenceNode | OtherNode;

/** From the first `#`, or the first letter of a setext heading, to the last character that is not a blank. */
export interface HeadingNode extends Span {
  readonly type: 'heading';
  readonly depth: number;
}

export interface ParagraphNode extends Span {
  readonly type: 'paragraph';
}

/** One list item, beginning at its marker. Records do not need to know which list it belongs to. */
export interface ItemNode extends Span {
  readonly type: 'item';
  readonly ordered: boolean;
  readonly children: readonly OutlineNode[];
}

/** Fenced code, from its opening to its closing fence, or to its last line with text if no fence closes it. */
export interface FenceNode extends Span {
  readonly type: 'fence';
  readonly closed: boolean;
}

/** Blocks that have no meaning in records and are kept as text, without their inner structure. */
export interface OtherNode extends Span {
  readonly type: 'other';
  readonly name: 'code' | 'definition' | 'html' | 'quote' | 'rule' | 'table';
}

/** A block's outline, or the limit that keeps remark from reading it. */
export type OutlineResult =
  | { readonly type: 'outline'; readonly nodes: readonly OutlineNode[] }
  | { readonly type: 'too-complex'; readonly reason: string };

/**
 * The text of a heading (CommonMark 0.31 §4.2, §4.3), without the opening and closing hashes of an ATX heading and
 * without the underline of a setext heading, whose text may have several lines. May be empty.
 */
export function headingText(text: string, node: HeadingNode): Span {
  const sequence = skipRun(text, node.start, node.end, HASH);
  const hashes = sequence - node.start;
  const atx = hashes >= 1 && hashes <= 6 && (sequence === node.end || isBlank(text.charCodeAt(sequence)));
  return atx ? atxText(text, sequence, node.end) : setextText(text, node);
}

function atxText(text: string, sequence: number, nodeEnd: number): Span {
  const start = skipBlanks(text, sequence, nodeEnd);
  const end = trimBlanks(text, start, nodeEnd);
  let closing = end;
  while (closing > start && text.charCodeAt(closing - 1) === HASH) closing -= 1;
  const closes = closing === start || isBlank(text.charCodeAt(closing - 1));
  return { start, end: closes ? trimBlanks(text, start, closing) : end };
}

function setextText(text: string, node: HeadingNode): Span {
  let end = node.end;
  while (end > node.start && !isLineEnd(text.charCodeAt(end - 1))) end -= 1;
  return { start: node.start, end: trimEnd(text, node.start, end) };
}

/** The lines of a paragraph, each without the blanks before and after it, which CommonMark 0.31 §4.8 strips. */
export function paragraphLines(text: string, span: Span): readonly Span[] {
  const lines: Span[] = [];
  for (let at = span.start; at < span.end;) {
    const end = lineEnd(text, at, span.end);
    const start = skipBlanks(text, at, end);
    lines.push({ start, end: trimBlanks(text, start, end) });
    at = nextLine(text, end, span.end);
  }
  return lines;
}

export interface FenceParts {
  /** The first word of the info string in lower case, or empty. */
  readonly language: string;
  /** All lines between the fences as written, with their line ends and the indentation of the list item around them. */
  readonly content: Span;
  readonly closed: boolean;
}

/** The parts of fenced code (CommonMark 0.31 §4.5). */
export function fenceParts(text: string, node: FenceNode): FenceParts {
  const info = skipRun(text, node.start, node.end, text.charCodeAt(node.start));
  const opening = lineEnd(text, info, node.end);
  const word = skipBlanks(text, info, opening);
  let wordEnd = word;
  while (wordEnd < opening && !isBlank(text.charCodeAt(wordEnd))) wordEnd += 1;
  const start = nextLine(text, opening, node.end);
  let end = node.end;
  if (node.closed) while (end > start && !isLineEnd(text.charCodeAt(end - 1))) end -= 1;
  return { language: text.slice(word, wordEnd).toLowerCase(), content: { start, end }, closed: node.closed };
}
