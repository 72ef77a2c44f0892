import type { Span } from '../position.ts';
import { HASH, isBlank, isLineEnd, lineEnd, nextLine, skipBlanks, skipRun, trimBlanks, trimEnd } from './lines.ts';

/**
 * The block structure of Markdown, as far as records need it: offsets only, no text. Both front ends, `lines.ts`
 * and `markdown.ts`, make this same structure; what a heading says or what language a fence names is read from
 * the text by `slices.ts`, so that the two cannot differ in it. Ends never include trailing blanks or line ends.
 */
export type OutlineNode = HeadingNode | ParagraphNode | ItemNode | FenceNode | OtherNode;

/** From the first `#` (or the first letter of a setext heading) to the last character that is not blank. */
export interface HeadingNode extends Span {
  readonly type: 'heading';
  readonly depth: number;
}

export interface ParagraphNode extends Span {
  readonly type: 'paragraph';
}

/** One list item, from its marker on. Which list it belongs to does not matter to a record. */
export interface ItemNode extends Span {
  readonly type: 'item';
  readonly ordered: boolean;
  readonly children: readonly OutlineNode[];
}

/** Fenced code, from its opening to its closing fence, or to its last line with text where no fence closes it. */
export interface FenceNode extends Span {
  readonly type: 'fence';
  readonly closed: boolean;
}

/** What records give no meaning to, kept as text. Its inside is not looked at. */
export interface OtherNode extends Span {
  readonly type: 'other';
  readonly name: 'code' | 'definition' | 'html' | 'quote' | 'rule' | 'table';
}

/** A block's outline, or why remark was not let near it. */
export type OutlineResult =
  | { readonly type: 'outline'; readonly nodes: readonly OutlineNode[] }
  | { readonly type: 'too-complex'; readonly reason: string };

/**
 * What a heading says (CommonMark 0.31 §4.2, §4.3): without the hashes of an ATX heading, opening and closing, or
 * without the underline of a setext heading, which may run over several lines. Empty for a heading without text.
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
  /** The first word of the info string in lower case, empty where there is none. */
  readonly language: string;
  /** All lines between the fences, as they stand: with their line ends, and with the indentation of an item around them. */
  readonly content: Span;
  readonly closed: boolean;
}

/** What stands in and beside a fence (CommonMark 0.31 §4.5). */
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
