import { paragraphLines } from './outline/slices.ts';
import type { OutlineNode } from './outline/outline.ts';
import type { Span } from './place.ts';
import { afterWord, trim, type Value, valueOf } from './text.ts';

/** A value with the label before it, `**Label:** value`, or text without a label. The label's span holds neither stars nor colon. */
export interface LabelledValue {
  readonly label: Span | undefined;
  readonly value: Value;
}

const longestLabel = 120;

/** Reads paragraphs and items as labelled values. A line without a label continues the one before it. */
export function readLabels(text: string, nodes: readonly OutlineNode[]): LabelledValue[] {
  const found: LabelledValue[] = [];
  for (const node of nodes) {
    if (node.type === 'item') {
      found.push(labelled(text, { start: afterWord(text, node), end: node.end }));
    } else if (node.type === 'paragraph') {
      for (const span of entries(text, node)) found.push(labelled(text, span));
    } else {
      found.push({ label: undefined, value: valueOf(text, node) });
    }
  }
  return found;
}

/** Cuts a paragraph before each line that begins with a label. */
function entries(text: string, paragraph: Span): Span[] {
  const spans: Span[] = [];
  let start: number | undefined;
  let end = paragraph.start;
  for (const line of paragraphLines(text, paragraph)) {
    if (start !== undefined && splitLabel(text, line) !== undefined) {
      spans.push({ start, end });
      start = undefined;
    }
    start ??= line.start;
    end = line.end;
  }
  if (start !== undefined) spans.push({ start, end });
  return spans;
}

function labelled(text: string, span: Span): LabelledValue {
  const split = splitLabel(text, span);
  return split === undefined
    ? { label: undefined, value: valueOf(text, span) }
    : { label: split.label, value: valueOf(text, { start: split.after, end: span.end }) };
}

/** `**Label:** rest` and `**Label**: rest`; CommonMark takes the first for no emphasis where no blank follows, people do not. */
function splitLabel(text: string, span: Span): { readonly label: Span; readonly after: number } | undefined {
  if (!text.startsWith('**', span.start)) return undefined;
  const head = text.slice(span.start + 2, Math.min(span.end, span.start + longestLabel));
  const close = head.indexOf('**');
  const feed = head.search(/[\n\r]/);
  if (close < 1 || (feed !== -1 && feed < close)) return undefined;
  const inside = head.charAt(close - 1) === ':';
  if (!inside && head.charAt(close + 2) !== ':') return undefined;
  const start = span.start + 2;
  const label = trim(text, { start, end: start + close - (inside ? 1 : 0) });
  if (label.start === label.end) return undefined;
  return { label, after: start + close + (inside ? 2 : 3) };
}
