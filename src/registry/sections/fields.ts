import type { Draft, RecordContext } from '../draft.ts';
import type { FieldsSection } from '../kinds/declaration.ts';
import { lookupFields } from '../kinds/lookup.ts';
import { readLabels } from '../parse/labels.ts';
import type { OutlineNode } from '../parse/outline.ts';
import { quote } from '../report.ts';
import { reportUnknownName } from '../unknown-name.ts';
import { reportPlaceholder } from '../values/placeholder.ts';
import { keepStray, type NamedSection } from './section.ts';

/** Reads `- **Label:** text` items, and paragraphs of such lines. */
export function readFields(
  section: NamedSection,
  nodes: readonly OutlineNode[],
  declaration: FieldsSection,
  draft: Draft,
  context: RecordContext,
): void {
  const { text, report } = context;
  const known = lookupFields(declaration, section.property);
  const fields: Record<string, string> = {};
  const seen = new Set<string>();
  for (const { label, value } of readLabels(text, nodes, (name) => known.find(name) !== undefined)) {
    if (label === undefined) {
      keepStray(section, value, 'Only `- **Label:** text` fields are expected', draft, context);
      continue;
    }
    const name = text.slice(label.start, label.end);
    const field = known.find(name);
    if (field === undefined) {
      reportUnknownName('label-unknown', label, name, known, `a field of ${quote(section.name)}`, report);
      draft.keep(`${section.name} / ${name}`, value.text);
    } else if (seen.has(field.property)) {
      report.add('label-repeated', label, { message: `${quote(name)} stands twice; the first value counts.` });
      draft.keep(`${section.name} / ${name}`, value.text);
    } else {
      seen.add(field.property);
      draft.place(field.path, value);
      if (value.text !== '' && !reportPlaceholder(value.text, value, report)) fields[field.property] = value.text;
    }
  }
  if (Object.keys(fields).length > 0) draft.values[section.property] = fields;
}
