import type { Span } from '../position.ts';

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
