import { quote } from '../diagnostics.ts';
import {
  type FieldsSection,
  type KindDeclaration,
  lookupFields,
  lookupKeys,
  lookupKind,
  type SectionDeclaration,
  type YamlSection,
} from '../kinds/declaration.ts';
import { afterWord, trim, valueOf } from '../names.ts';
import type { Span } from '../position.ts';
import type { RecordBuilder, RecordContext } from '../record.ts';
import { readTags, reportPlaceholder } from '../values/values.ts';
import { isNothing, readYaml, readYamlValue, reportRepeatedKey } from '../values/yaml-values.ts';
import { missingNames, readLabels, reportUnknownName } from './labels.ts';
import { fenceParts, type OutlineNode } from './outline.ts';
import type { Shape, ShapeSection } from './shape.ts';

/** A section that the kind declares: its name as written, and the property it becomes. */
export interface NamedSection extends ShapeSection {
  readonly name: string;
  readonly property: string;
  /** As the kind's `freeForm`. */
  readonly freeForm: boolean;
}

/** Keeps text that does not have the form of its section. `expected` names that form. */
function keepStray(
  section: NamedSection,
  stray: Span & { readonly text: string },
  expected: string,
  draft: RecordBuilder,
  { report }: RecordContext,
): void {
  if (!section.freeForm) {
    report.add('section-shape', stray, { message: `Expected ${expected} here; this is kept as extra.` });
  }
  draft.keep(section.name, stray.text);
}

/** The text from the first to the last of some nodes, including headings. */
export function textFrom(text: string, nodes: readonly OutlineNode[]): string {
  const [first] = nodes;
  const last = nodes.at(-1);
  return first === undefined || last === undefined ? '' : valueOf(text, { start: first.start, end: last.end }).text;
}

/** The text of some nodes, with blank lines between them. */
function textOf(text: string, nodes: readonly OutlineNode[]): string {
  return nodes.map((node) => valueOf(text, node).text).join('\n\n');
}

/** Reads `- **Label:** text` items, and paragraphs of such lines. */
function readFields(
  section: NamedSection,
  nodes: readonly OutlineNode[],
  declaration: FieldsSection,
  draft: RecordBuilder,
  context: RecordContext,
): void {
  const { text, report } = context;
  const known = lookupFields(declaration, section.property);
  const fields: Record<string, string> = {};
  const seen = new Set<string>();
  for (const { label, value } of readLabels(text, nodes, {
    isKnown: (name) => known.find(name) !== undefined,
    place: 'fields',
  })) {
    if (label === undefined) {
      keepStray(section, value, '`- **Label:** text` fields', draft, context);
      continue;
    }
    const name = text.slice(label.start, label.end);
    const field = known.find(name);
    if (field === undefined) {
      reportUnknownName('label-unknown', label, name, known, `a field of ${quote(section.name)}`, report);
      draft.keep(`${section.name} / ${name}`, value.text);
    } else if (seen.has(field.property)) {
      report.add('label-repeated', label, { message: `Duplicate field ${quote(name)}; the first value is used.` });
      draft.keep(`${section.name} / ${name}`, value.text);
    } else {
      seen.add(field.property);
      draft.place(field.path, value);
      if (value.text !== '' && !reportPlaceholder(value.text, value, report)) fields[field.property] = value.text;
    }
  }
  if (Object.keys(fields).length > 0) draft.values[section.property] = fields;
}

/** Reads the items of a list. Whether it is ordered does not matter, because people often forget to number steps. */
function readList(
  section: NamedSection,
  nodes: readonly OutlineNode[],
  draft: RecordBuilder,
  context: RecordContext,
): void {
  const { text, report } = context;
  const items: string[] = [];
  for (const node of nodes) {
    if (node.type !== 'item') {
      keepStray(section, valueOf(text, node), 'list items', draft, context);
      continue;
    }
    const value = valueOf(text, { start: afterWord(text, node), end: node.end });
    if (value.text === '' || reportPlaceholder(value.text, value, report)) continue;
    draft.place(`${section.property}.${items.length}`, value);
    items.push(value.text);
  }
  if (items.length > 0) draft.values[section.property] = items;
}

/** Reads the one fenced yaml block of a section. A block that cannot be parsed is kept as extra, and the rest of the record is read. */
function readYamlSection(
  section: NamedSection,
  nodes: readonly OutlineNode[],
  declaration: YamlSection,
  draft: RecordBuilder,
  context: RecordContext,
): void {
  const { text, report } = context;
  const fence = nodes.find((node) => node.type === 'fence');
  for (const node of nodes) {
    if (node !== fence) keepStray(section, valueOf(text, node), 'one fenced yaml block', draft, context);
  }
  if (fence === undefined) return;
  const reading = readYaml(text, fenceParts(text, fence).content);
  if (reading.type === 'fault') {
    report.add(reading.fault.code, reading.fault.span, { message: reading.fault.message });
    draft.keep(section.name, text.slice(fence.start, fence.end));
    return;
  }
  const known = lookupKeys(declaration, section.property);
  const seen = new Set<string>();
  const stated = new Set<string>();
  const values: Record<string, unknown> = {};
  for (const { key, value } of reading.value?.entries ?? []) {
    const named = known.find(key.text);
    if (named === undefined) {
      reportUnknownName('yaml-key-unknown', key, key.text, known, `a key of ${quote(section.name)}`, report);
      keep(key.text, value);
    } else if (seen.has(named.property)) {
      reportRepeatedKey(key, report);
      keep(key.text, value);
    } else {
      seen.add(named.property);
      if (!isNothing(value)) stated.add(named.property);
      draft.place(named.path, value);
      const read = readYamlValue(value, named.entry.value, report, (inner, repeated) =>
        keep(`${key.text} / ${inner}`, repeated),
      );
      if (read !== undefined) values[named.property] = read;
    }
  }
  const missing = known.all.filter(({ property, entry }) => entry.required === true && !stated.has(property));
  if (missing.length > 0) {
    report.add('yaml-key-missing', fence, {
      message: missingNames('key', missing),
    });
  }
  if (Object.keys(values).length > 0) draft.values[section.property] = values;

  function keep(name: string, value: Span): void {
    draft.keep(`${section.name} / ${name}`, text.slice(value.start, value.end));
  }
}

/** Reads the `####` sections of a record. */
export function readSections(shape: Shape, kind: KindDeclaration, draft: RecordBuilder, context: RecordContext): void {
  const { text, report } = context;
  const { sections } = lookupKind(kind);
  const seen = new Set<string>();
  for (const section of shape.sections) {
    const name = text.slice(section.title.start, section.title.end);
    const { known } = section;
    if (known === undefined) {
      if (kind.freeForm !== true) {
        reportUnknownName(
          'section-unknown',
          section.title,
          name,
          sections,
          `a section of ${kind.name} records`,
          report,
        );
      }
      draft.keep(name, textOf(text, section.nodes));
    } else if (seen.has(known.property)) {
      report.add('section-repeated', section.title, {
        message: `Duplicate section ${quote(name)}; the first one is used.`,
      });
      draft.keep(name, textOf(text, section.nodes));
    } else {
      seen.add(known.property);
      const named = { ...section, name, property: known.property, freeForm: kind.freeForm === true };
      readSection(named, known.entry, draft, context);
    }
  }
  const missing = sections.all.filter(({ property, entry }) => entry.required === true && !seen.has(property));
  if (missing.length > 0 && shape.title !== undefined) {
    report.add('section-missing', shape.title, {
      message: missingNames('section', missing),
      hint: `Add ${missing.map(({ label }) => `#### ${label}`).join(', ')}.`,
    });
  }
}

function readSection(
  section: NamedSection,
  declaration: SectionDeclaration,
  draft: RecordBuilder,
  context: RecordContext,
): void {
  const { nodes } = section;
  const [first] = nodes;
  const last = nodes.at(-1);
  if (first === undefined || last === undefined) return reportEmpty(section, declaration, context);
  const whole = trim(context.text, { start: first.start, end: last.end });
  draft.place(section.property, whole);
  switch (declaration.holds) {
    case 'prose': {
      const prose = valueOf(context.text, whole);
      if (prose.text === '') return reportEmpty(section, declaration, context);
      if (!reportPlaceholder(prose.text, prose, context.report)) draft.values[section.property] = prose.text;
      return;
    }
    case 'tags': {
      const tags = readTags(valueOf(context.text, whole), context.report);
      if (tags !== undefined) draft.values[section.property] = tags;
      return;
    }
    case 'list':
      readList(section, nodes, draft, context);
      return;
    case 'fields':
      readFields(section, nodes, declaration, draft, context);
      return;
    case 'yaml':
      readYamlSection(section, nodes, declaration, draft, context);
  }
}

function reportEmpty(section: NamedSection, declaration: SectionDeclaration, { report }: RecordContext): void {
  if (declaration.required !== true) return;
  report.add('section-missing', section.title, {
    message: `The section ${quote(section.name)} is empty.`,
    hint: 'Fill in the section.',
  });
}
