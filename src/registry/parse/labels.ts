import { suggest } from '../../util/suggest.ts';
import { type DiagnosticCode, quote, type DiagnosticCollector } from '../diagnostics.ts';
import type { Lookup } from '../kinds/declaration.ts';
import { afterWord, trim, type Value, valueOf } from '../names.ts';
import type { Span } from '../position.ts';
import { lineEnd } from './lines.ts';
import { type OutlineNode, paragraphLines } from './outline.ts';

/** Reports a name that a declaration does not have, with the nearest one that it has. `what` says what it should be: `a field of "Evidence"`. */
export function reportUnknownName(
  code: DiagnosticCode,
  span: Span,
  name: string,
  known: Lookup<unknown>,
  what: string,
  report: DiagnosticCollector,
): void {
  const labels = known.all.map(({ label }) => label);
  const meant = suggest(name, labels);
  report.add(code, span, {
    message: `${quote(name)} is not ${what}; it is kept as extra.`,
    hint: meant === undefined ? `Known names: ${labels.join(', ')}.` : `Did you mean ${meant}?`,
  });
}

/** `Missing section: Description.`, with `noun` in the plural for several names. */
export function missingNames(noun: string, names: readonly { readonly label: string }[]): string {
  return `Missing ${noun}${names.length === 1 ? '' : 's'}: ${names.map(({ label }) => label).join(', ')}.`;
}

/** A value with its label, `**Label:** value`, or text without a label. The label's span excludes asterisks and colon. */
export interface LabelledValue {
  readonly label: Span | undefined;
  readonly value: Value;
}

const longestLabel = 120;

/** Whether a section has a field of this name. */
export type IsField = (name: string) => boolean;

/**
 * Reads paragraphs and items as labelled values. A line without a label continues the previous line. With `isField`,
 * `**Field** text` and `Field → text` are labelled too.
 */
export function readLabels(text: string, nodes: readonly OutlineNode[], isField?: IsField): LabelledValue[] {
  const found: LabelledValue[] = [];
  for (const node of nodes) {
    if (node.type === 'item') {
      const span = { start: afterWord(text, node), end: node.end };
      found.push(valueAfter(text, span, splitLabel(text, span, isField)));
    } else if (node.type === 'paragraph') {
      for (const { start, end, split } of entries(text, node, isField))
        found.push(valueAfter(text, { start, end }, split));
    } else {
      found.push({ label: undefined, value: valueOf(text, node) });
    }
  }
  return found;
}

interface Entry {
  readonly start: number;
  end: number;
  readonly split: Split | undefined;
}

/** Splits a paragraph before each line that begins with a label. */
function entries(text: string, paragraph: Span, isField?: IsField): readonly Entry[] {
  const found: Entry[] = [];
  let last: Entry | undefined;
  for (const { start, end } of paragraphLines(text, paragraph)) {
    const split = splitLabel(text, { start, end }, isField);
    if (last === undefined || split !== undefined) {
      last = { start, end, split };
      found.push(last);
    } else last.end = end;
  }
  return found;
}

function valueAfter(text: string, span: Span, split: Split | undefined): LabelledValue {
  return split === undefined
    ? { label: undefined, value: valueOf(text, span) }
    : { label: split.label, value: valueOf(text, { start: split.after, end: span.end }) };
}

interface Split {
  readonly label: Span;
  /** Where the value begins. */
  readonly after: number;
}

function splitLabel(text: string, span: Span, isField?: IsField): Split | undefined {
  return text.startsWith('**', span.start) ? splitBold(text, span, isField) : splitArrow(text, span, isField);
}

/** `**Label:** rest` and `**Label**: rest`. Without a blank after it the first is not emphasis to CommonMark, but it is a label to its writer. */
function splitBold(text: string, span: Span, isField?: IsField): Split | undefined {
  const start = span.start + 2;
  const head = text.slice(start, Math.min(span.end, start + longestLabel));
  const close = head.indexOf('**');
  if (close < 1 || lineEnd(head, 0, close) < close) return undefined;
  const inside = head.charAt(close - 1) === ':';
  const label = trim(text, { start, end: start + close - (inside ? 1 : 0) });
  if (label.start === label.end) return undefined;
  if (inside) return { label, after: start + close + 2 };
  if (head.charAt(close + 2) === ':') return { label, after: start + close + 3 };
  if (isField?.(text.slice(label.start, label.end)) !== true) return undefined;
  const arrow = /^[ \t]*(?:→|->)/.exec(head.slice(close + 2))?.[0].length ?? 0;
  return { label, after: start + close + 2 + arrow };
}

/** `Severity + Frequency → Impact score (…)`. */
function splitArrow(text: string, span: Span, isField?: IsField): Split | undefined {
  if (isField === undefined) return undefined;
  const arrow = /→|->/.exec(firstLine(text, span));
  if (arrow === null) return undefined;
  const label = trim(text, { start: span.start, end: span.start + arrow.index });
  return isField(text.slice(label.start, label.end))
    ? { label, after: span.start + arrow.index + arrow[0].length }
    : undefined;
}

function firstLine(text: string, span: Span): string {
  return text.slice(span.start, lineEnd(text, span.start, Math.min(span.end, span.start + longestLabel)));
}
