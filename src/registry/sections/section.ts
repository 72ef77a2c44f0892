import type { Draft, RecordContext } from '../draft.ts';
import type { OutlineNode } from '../parse/outline.ts';
import type { Span } from '../position.ts';
import { valueOf } from '../text.ts';
import type { ShapeSection } from './shape.ts';

/** A section that the declaration knows: its name as written, and the property it becomes. */
export interface NamedSection extends ShapeSection {
  readonly name: string;
  readonly property: string;
  /** As the kind's `freeForm`. */
  readonly freeForm: boolean;
}

/** Keeps what stands in a section of another form. `expected` says in a few words what should stand there. */
export function keepStray(
  section: NamedSection,
  stray: Span & { readonly text: string },
  expected: string,
  draft: Draft,
  { report }: RecordContext,
): void {
  if (!section.freeForm) {
    report.add('section-shape', stray, { message: `${expected} here; the rest is kept as extra.` });
  }
  draft.keep(section.name, stray.text);
}

/** All that stands from the first to the last of some nodes, headings included. */
export function textFrom(text: string, nodes: readonly OutlineNode[]): string {
  const [first] = nodes;
  const last = nodes.at(-1);
  return first === undefined || last === undefined ? '' : valueOf(text, { start: first.start, end: last.end }).text;
}

/** What some nodes say, as one text. */
export function textOf(text: string, nodes: readonly OutlineNode[]): string {
  return nodes.map((node) => valueOf(text, node).text).join('\n\n');
}
