import { nearest } from '../nearest.ts';
import type { Draft, RecordContext } from './draft.ts';
import type { FieldsSection, KindDeclaration, SectionDeclaration, YamlSection } from './kinds/declaration.ts';
import { readLabels } from './labels.ts';
import { propertyName } from './names.ts';
import type { OutlineNode } from './outline/outline.ts';
import { fenceParts } from './outline/slices.ts';
import type { Span } from './place.ts';
import { quote } from './report.ts';
import type { Shape, ShapeSection } from './sections.ts';
import { afterWord, valueOf } from './text.ts';
import { readTags } from './values/header-value.ts';
import { readYaml } from './values/yaml.ts';
import { readYamlValue } from './values/yaml-value.ts';

/** Reads the `####` sections of a record. */
export function readSections(shape: Shape, kind: KindDeclaration, draft: Draft, context: RecordContext): void {
  const { text, report } = context;
  const seen = new Set<string>();
  for (const section of shape.sections) {
    const name = text.slice(section.title.start, section.title.end);
    const property = labelProperty(name);
    const title = Object.keys(kind.sections).find((candidate) => labelProperty(candidate) === property);
    const declaration = title === undefined ? undefined : kind.sections[title];
    if (declaration === undefined) {
      if (kind.freeHeadings !== true) reportUnknown(section.title, name, kind, context);
      draft.keep(name, textOf(text, section.nodes));
    } else if (seen.has(property)) {
      report.add('section-repeated', section.title, {
        message: `The section ${quote(name)} stands twice; the first one counts.`,
      });
      draft.keep(name, textOf(text, section.nodes));
    } else {
      seen.add(property);
      readSection({ ...section, name, property }, declaration, draft, context);
    }
  }
  const missing = Object.keys(kind.sections).filter(
    (title) => kind.sections[title]?.required === true && !seen.has(labelProperty(title)),
  );
  if (missing.length > 0 && shape.title !== undefined) {
    report.add('section-missing', shape.title, {
      message: `This record has no section ${missing.join(', ')}.`,
      hint: `Add ${missing.map((title) => `#### ${title}`).join(', ')}.`,
    });
  }
}

interface NamedSection extends ShapeSection {
  readonly name: string;
  readonly property: string;
}

function readSection(
  section: NamedSection,
  declaration: SectionDeclaration,
  draft: Draft,
  context: RecordContext,
): void {
  const nodes = section.nodes.filter((node) => node.type !== 'other' || node.name !== 'html');
  const [first] = nodes;
  const last = nodes.at(-1);
  if (first === undefined || last === undefined) {
    if (declaration.required === true)
      context.report.add('section-missing', section.title, { message: `The section ${quote(section.name)} is empty.` });
    return;
  }
  const whole = valueOf(context.text, { start: first.start, end: last.end });
  draft.place(section.property, whole);
  switch (declaration.holds) {
    case 'prose':
      draft.values[section.property] = whole.text;
      return;
    case 'tags': {
      const tags = readTags(whole.text);
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

function readList(section: NamedSection, nodes: readonly OutlineNode[], draft: Draft, context: RecordContext): void {
  const items = nodes.filter((node) => node.type === 'item');
  const others = nodes.filter((node) => node.type !== 'item');
  const [stray] = others;
  if (stray !== undefined)
    keepStray(section, stray, 'Only list items are expected here', textOf(context.text, others), draft, context);
  const values = items
    .map((item) => valueOf(context.text, { start: afterWord(context.text, item), end: item.end }))
    .filter((value) => value.text !== '');
  if (values.length === 0) return;
  draft.values[section.property] = values.map((value) => value.text);
  for (const [position, value] of values.entries()) draft.place(`${section.property}.${position}`, value);
}

function readFields(
  section: NamedSection,
  nodes: readonly OutlineNode[],
  declaration: FieldsSection,
  draft: Draft,
  context: RecordContext,
): void {
  const { text, report } = context;
  const properties = fieldProperties(declaration);
  const fields: Record<string, string> = {};
  const seen = new Set<string>();
  for (const { label, value } of readLabels(text, nodes, (name) => properties.has(labelProperty(name)))) {
    if (label === undefined) {
      keepStray(section, value, 'Only `- **Label:** text` fields are expected here', value.text, draft, context);
      continue;
    }
    const name = text.slice(label.start, label.end);
    const property = properties.get(labelProperty(name));
    if (property === undefined) {
      const meant = nearest(name, Object.keys(declaration.fields));
      report.add('label-unknown', label, {
        message: `${quote(name)} is not a field of ${quote(section.name)}; it is kept as extra.`,
        hint:
          meant === undefined
            ? `The fields are ${Object.keys(declaration.fields).join(', ')}.`
            : `Did you mean ${meant}?`,
      });
      draft.keep(`${section.name} / ${name}`, value.text);
    } else if (seen.has(property)) {
      report.add('label-repeated', label, { message: `${quote(name)} stands twice; the first value counts.` });
      draft.keep(`${section.name} / ${name}`, value.text);
    } else {
      seen.add(property);
      draft.place(`${section.property}.${property}`, value);
      if (value.text !== '') fields[property] = value.text;
    }
  }
  if (Object.keys(fields).length > 0) draft.values[section.property] = fields;
}

const propertiesBySection = new WeakMap<FieldsSection, ReadonlyMap<string, string>>();

/** The names a field goes by → its property. `A → B` goes by `A` too. */
function fieldProperties(declaration: FieldsSection): ReadonlyMap<string, string> {
  let properties = propertiesBySection.get(declaration);
  if (properties === undefined) {
    const labels = Object.keys(declaration.fields);
    properties = new Map([
      ...labels.map((label) => [labelProperty(label.split('→')[0] ?? label), labelProperty(label)] as const),
      ...labels.map((label) => [labelProperty(label), labelProperty(label)] as const),
    ]);
    propertiesBySection.set(declaration, properties);
  }
  return properties;
}

function readYamlSection(
  section: NamedSection,
  nodes: readonly OutlineNode[],
  declaration: YamlSection,
  draft: Draft,
  context: RecordContext,
): void {
  const { text, report } = context;
  const fence = nodes.find((node) => node.type === 'fence');
  const others = nodes.filter((node) => node !== fence);
  const [stray] = others;
  if (stray !== undefined)
    keepStray(section, stray, 'One fenced yaml block is expected here', textOf(text, others), draft, context);
  if (fence === undefined) return;
  const reading = readYaml(text, fenceParts(text, fence).content);
  if (reading.type === 'fault') {
    report.add(reading.fault.code, reading.fault.span, { message: reading.fault.message });
    draft.keep(section.name, text.slice(fence.start, fence.end));
    return;
  }
  const keys = new Map(Object.entries(declaration.keys).map(([key, slot]) => [propertyName(key), { key, slot }]));
  const seen = new Set<string>();
  const values: Record<string, unknown> = {};
  for (const { key, value } of reading.value?.entries ?? []) {
    const property = propertyName(key.text);
    const known = keys.get(property);
    if (known === undefined) {
      const meant = nearest(key.text, Object.keys(declaration.keys));
      report.add('yaml-key-unknown', key, {
        message: `${quote(key.text)} is not a key of ${quote(section.name)}; it is kept as extra.`,
        hint:
          meant === undefined ? `The keys are ${Object.keys(declaration.keys).join(', ')}.` : `Did you mean ${meant}?`,
      });
      draft.keep(`${section.name} / ${key.text}`, text.slice(value.start, value.end));
    } else if (seen.has(property)) {
      report.add('yaml-key-repeated', key, {
        message: `The key ${quote(key.text)} stands twice; the first value counts.`,
      });
      draft.keep(`${section.name} / ${key.text}`, text.slice(value.start, value.end));
    } else {
      seen.add(property);
      draft.place(`${section.property}.${property}`, value);
      const read = readYamlValue(value, known.slot.value, report);
      if (read !== undefined) values[property] = read;
    }
  }
  const missing = [...keys.values()].filter(({ key, slot }) => slot.required === true && !seen.has(propertyName(key)));
  if (missing.length > 0) {
    report.add('yaml-key-missing', fence, {
      message: `This block has no ${missing.map(({ key }) => key).join(', ')}.`,
    });
  }
  if (Object.keys(values).length > 0) draft.values[section.property] = values;
}

function keepStray(
  section: NamedSection,
  span: Span,
  expected: string,
  kept: string,
  draft: Draft,
  { report }: RecordContext,
): void {
  report.add('section-shape', span, { message: `${expected}; the rest is kept as extra.` });
  draft.keep(section.name, kept);
}

function reportUnknown(span: Span, name: string, kind: KindDeclaration, { report }: RecordContext): void {
  const meant = nearest(name, Object.keys(kind.sections));
  report.add('section-unknown', span, {
    message: `${quote(name)} is not a section of ${kind.name} records; it is kept as extra.`,
    hint: meant === undefined ? `The sections are ${Object.keys(kind.sections).join(', ')}.` : `Did you mean ${meant}?`,
  });
}

/** The property of a section or a field: words in brackets are no part of a label, as in `MTTR (Mean Time to Resolution)`. */
function labelProperty(label: string): string {
  return propertyName(label.replaceAll(/\([^()]*\)/g, ' '));
}

function textOf(text: string, nodes: readonly OutlineNode[]): string {
  return nodes.map((node) => valueOf(text, node).text).join('\n\n');
}
