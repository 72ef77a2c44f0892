import type { Draft, RecordContext } from '../draft.ts';
import type { OutlineNode } from '../parse/outline.ts';
import { afterWord, valueOf } from '../text.ts';
import { reportPlaceholder } from '../values/placeholder.ts';
import { keepStray, type NamedSection } from './section.ts';

/** Reads the items of a list, ordered or not: people number steps and forget to. */
export function readList(
  section: NamedSection,
  nodes: readonly OutlineNode[],
  draft: Draft,
  context: RecordContext,
): void {
  const { text, report } = context;
  const items: string[] = [];
  for (const node of nodes) {
    if (node.type !== 'item') {
      keepStray(section, valueOf(text, node), 'Only list items are expected', draft, context);
      continue;
    }
    const value = valueOf(text, { start: afterWord(text, node), end: node.end });
    if (value.text === '' || reportPlaceholder(value.text, value, report)) continue;
    draft.place(`${section.property}.${items.length}`, value);
    items.push(value.text);
  }
  if (items.length > 0) draft.values[section.property] = items;
}
