import type { Span } from '../position.ts';
import {
  BYTE_ORDER_MARK,
  canInterrupt,
  closesFence,
  endsHtml,
  fenceLength,
  type HtmlEnd,
  htmlStart,
  itemContent,
  lineEnd,
  lineStart,
  mayUnderline,
  nextLine,
  SPACE,
  TAB,
  trimBlanks,
} from './lines.ts';
import { inlineComments } from './inline-comments.ts';
import { isOpen, type Marker, type MarkerComment } from './marker.ts';

export interface MarkerLines {
  /** In the order of the text. */
  readonly markers: readonly Marker[];
  /** Parts of the text whose markers only remark can find. Each begins and ends between two blocks of the document. */
  readonly doubts: readonly Span[];
}

/** Fenced code or HTML, whose lines are not Markdown. `depth` counts the list items around it. */
type Raw = { readonly depth: number } & (
  | { readonly type: 'fence'; readonly code: number; readonly length: number }
  | { readonly type: 'html'; readonly ending: HtmlEnd }
);

/**
 * An open paragraph; `unsure` if there may be one, or if it may be a table or a definition; `code` for indented code,
 * which remark treats as a paragraph, even across blank lines, when it decides whether a list item may interrupt one.
 */
type Paragraph = { readonly start: number; end: number; holdsComment: boolean } | 'code' | 'unsure' | undefined;

/** A line that is not blank. `text` is the offset of its first character that is not blank, `end` the offset after the last one. */
interface Line {
  readonly start: number;
  readonly text: number;
  readonly column: number;
  readonly end: number;
  readonly holdsComment: boolean;
}

const CODE_INDENT = 4;

/** Deeper nesting of list items is left to remark and its limits. */
const MAX_DEPTH = 16;

/**
 * Finds the markers of a text line by line, by the block rules of CommonMark 0.31 with the tables and footnotes of GFM,
 * whatever is inside records. Linear in the text.
 */
export function scanMarkerLines(text: string, comments: readonly MarkerComment[]): MarkerLines {
  const markers: Marker[] = [];
  const doubts: Span[] = [];

  /** The columns at which the contents of the open list items begin. */
  const items: number[] = [];
  /** False if `items` may be wrong: then only a line at column 0 that certainly begins a block is understood. */
  let areItemsKnown = true;
  let raw: Raw | undefined;
  /** True from a line with an HTML tag to the next blank line; those lines are HTML or a paragraph. */
  let isTagged = false;
  let paragraph: Paragraph;
  /** The last place known to be between two blocks of the document. */
  let between = 0;
  let doubtStart: number | undefined;
  /** Whether the rest of the text is left to remark. */
  let isLost = false;
  let nextComment = 0;

  let next = text.charCodeAt(0) === BYTE_ORDER_MARK ? 1 : 0;
  while (next < text.length && !isLost && !isDone()) {
    const start = next;
    const ending = lineEnd(text, start, text.length);
    next = nextLine(text, ending, text.length);
    const end = trimBlanks(text, start, ending);
    if (end === start) readBlankLine();
    else readLine(start, end);
    while (commentStart() < end) nextComment += 1;
  }
  endParagraph();
  endDoubt(text.length);
  return { markers, doubts };

  function isDone(): boolean {
    const isAwaited = doubtStart !== undefined || (typeof paragraph === 'object' && paragraph.holdsComment);
    return nextComment === comments.length && !isAwaited;
  }

  function commentStart(): number {
    return comments[nextComment]?.start ?? text.length;
  }

  function readBlankLine(): void {
    if (paragraph !== 'code') endParagraph();
    if (raw?.type === 'html' && raw.ending === 'blank') raw = undefined;
    isTagged = false;
  }

  function readLine(start: number, end: number): void {
    let at = start;
    let column = 0;
    for (let code = text.charCodeAt(at); code === SPACE || code === TAB; code = text.charCodeAt(at)) {
      column += code === SPACE ? 1 : CODE_INDENT - (column % CODE_INDENT);
      at += 1;
    }
    let depth = 0;
    let inside = 0;
    for (let content = items[0]; content !== undefined && column >= content; content = items[depth]) {
      inside = content;
      depth += 1;
    }
    const line = { start, text: at, column, end, holdsComment: commentStart() < end };
    const isCode = column - inside >= CODE_INDENT;

    if (raw !== undefined && depth >= raw.depth) {
      if (endsRaw(raw, line, isCode)) raw = undefined;
      return;
    }
    raw = undefined;
    if (isTagged) readTagged(line, depth);
    else if (areItemsKnown || isResumed(line)) {
      if (isCode) readIndented(line, depth);
      else placeText(line, depth);
    } else readUnknown(line);
  }

  function endsRaw(open: Raw, line: Line, isCode: boolean): boolean {
    if (open.type === 'html') return endsHtml(text, line.text, line.end, open.ending);
    return !isCode && closesFence(text, line.text, line.end, open.code, open.length);
  }

  /** Whether a line at column 0 proves that no list item is open. */
  function isResumed(line: Line): boolean {
    if (line.column > 0 || (paragraph !== undefined && !endsAnyParagraph(line))) return false;
    areItemsKnown = true;
    items.length = 0;
    return true;
  }

  function endsAnyParagraph({ text: at, end }: Line): boolean {
    switch (lineStart(text, at, end)) {
      case 'heading':
      case 'fence':
      case 'quote':
      case 'rule':
        return true;
      case 'html':
        return htmlStart(text, at, end) !== 'none' && htmlStart(text, at, end) !== 'tag';
      case 'item':
        return typeof itemContent(text, at, end) === 'number' && canInterrupt(text, at);
      default:
        return false;
    }
  }

  function readTagged(line: Line, depth: number): void {
    if (line.holdsComment) doubt();
    if (mayOpenRaw(line)) lose();
    const start = lineStart(text, line.text, line.end);
    if (depth < items.length || start === 'quote' || start === 'footnote' || start === 'item') areItemsKnown = false;
  }

  function readUnknown(line: Line): void {
    if (line.holdsComment) doubt();
    if (line.column < CODE_INDENT) {
      if (line.column > 0 && mayOpenRaw(line)) lose();
      const html = htmlStart(text, line.text, line.end);
      isTagged = html === 'tag' || html === 'blank';
    }
    paragraph = 'unsure';
  }

  /** Whether this line, if it is not raw itself, makes later lines raw. */
  function mayOpenRaw({ text: at, end }: Line): boolean {
    const html = htmlStart(text, at, end);
    if (html === 'unsure') return true;
    if (html === 'none' || html === 'tag' || html === 'blank') return fenceLength(text, at, end) > 0;
    return !endsHtml(text, at + 1, end, html);
  }

  /** Indented code, unless a paragraph is open. */
  function readIndented(line: Line, depth: number): void {
    if (paragraph === undefined || paragraph === 'code') {
      items.length = depth;
      paragraph = 'code';
    } else extendParagraph(line, depth);
  }

  function placeText(line: Line, depth: number): void {
    const { end } = line;
    let at = line.text;
    let { column } = line;
    const interrupts = paragraph !== undefined && depth === items.length;
    for (;;) {
      switch (lineStart(text, at, end)) {
        case 'heading':
          beginBlock(line, depth);
          if (line.holdsComment) placeInline({ start: at, end });
          return;
        case 'fence':
          beginBlock(line, depth);
          raw = { type: 'fence', code: text.charCodeAt(at), length: fenceLength(text, at, end), depth };
          return;
        case 'rule':
          return beginBlock(line, depth);
        case 'quote':
          beginBlock(line, depth, !interrupts);
          paragraph = 'unsure';
          if (line.holdsComment) doubt();
          return;
        case 'html':
          return placeHtml(line, at, depth);
        case 'footnote':
          areItemsKnown = false;
          return becomeUnsure(line, depth);
        case 'definition':
          return typeof paragraph === 'object' ? placeParagraph(line, at, depth) : becomeUnsure(line, depth);
        case 'text':
          return placeParagraph(line, at, depth);
        case 'item': {
          const content = itemContent(text, at, end);
          if (typeof content === 'string' || depth === MAX_DEPTH || (interrupts && !canInterrupt(text, at))) {
            areItemsKnown = false;
            return becomeUnsure(line, depth);
          }
          beginBlock(line, depth, !interrupts);
          column += content - at;
          items.push(column);
          depth += 1;
          at = content;
        }
      }
    }
  }

  function placeHtml(line: Line, at: number, depth: number): void {
    const html = htmlStart(text, at, line.end);
    if (html === 'none') return placeParagraph(line, at, depth);
    if (html === 'unsure') return lose();
    if (html === 'tag') {
      isTagged = true;
      return becomeUnsure(line, depth);
    }
    beginBlock(line, depth);
    if (commentStart() === at) placeComments(line, at);
    if (!endsHtml(text, at + 1, line.end, html)) raw = { type: 'html', ending: html, depth };
  }

  /** A line that begins with a comment in the form of a marker: a marker if nothing else is on it. */
  function placeComments(line: Line, at: number): void {
    const first = comments[nextComment];
    const isAlone = first?.start === at && first.end === line.end && !isOpen(text, first);
    for (; commentStart() < line.end; nextComment += 1) {
      const comment = comments[nextComment];
      if (comment !== undefined) markers.push({ ...comment, misplaced: !isAlone || items.length > 0 });
    }
  }

  function placeParagraph(line: Line, at: number, depth: number): void {
    if (paragraph === undefined || paragraph === 'code') {
      beginBlock(line, depth);
      paragraph = { start: at, end: line.end, holdsComment: line.holdsComment };
    } else {
      if (mayUnderline(text, at, line.end)) becomeUnsure(line, depth);
      extendParagraph(line, depth);
    }
  }

  function extendParagraph(line: Line, depth: number): void {
    if (typeof paragraph !== 'object') return becomeUnsure(line, depth);
    paragraph.end = line.end;
    paragraph.holdsComment ||= line.holdsComment;
  }

  function endParagraph(): void {
    if (typeof paragraph === 'object' && paragraph.holdsComment) placeInline(paragraph);
    paragraph = undefined;
  }

  function placeInline(span: Span): void {
    for (const comment of inlineComments(text, span, comments)) markers.push({ ...comment, misplaced: true });
  }

  /**
   * A block certainly begins, inside `depth` of the open items. It is not `isFresh` if it can be a line of an open quote,
   * or if the block it ends affects the rest of the line, as a paragraph affects how remark reads list items on it.
   */
  function beginBlock(line: Line, depth: number, isFresh = true): void {
    endParagraph();
    items.length = depth;
    if (depth > 0 || !isFresh) return;
    endDoubt(line.start);
    between = line.start;
  }

  /** A block begins or continues that may be a paragraph. */
  function becomeUnsure(line: Line, depth: number): void {
    if (paragraph === undefined) beginBlock(line, depth);
    if (depth < items.length) areItemsKnown = false;
    if (line.holdsComment || (typeof paragraph === 'object' && paragraph.holdsComment)) doubt();
    paragraph = 'unsure';
  }

  /** Leaves the markers of this part of the text to remark. */
  function doubt(): void {
    doubtStart ??= between;
  }

  function endDoubt(end: number): void {
    const start = doubtStart;
    if (start === undefined) return;
    while ((markers.at(-1)?.start ?? -1) >= start) markers.pop();
    doubts.push({ start, end });
    doubtStart = undefined;
  }

  function lose(): void {
    doubt();
    isLost = true;
  }
}
