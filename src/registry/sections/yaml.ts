import type { Draft, RecordContext } from '../draft.ts';
import type { YamlSection } from '../kinds/declaration.ts';
import { lookupKeys } from '../kinds/lookup.ts';
import type { OutlineNode } from '../parse/outline.ts';
import { fenceParts } from '../outline/slices.ts';
import type { Span } from '../position.ts';
import { quote } from '../report.ts';
import { valueOf } from '../text.ts';
import { reportUnknownName } from '../unknown-name.ts';
import { readYaml } from '../values/yaml-reading.ts';
import { isNothing, readYamlValue, reportRepeatedKey } from '../values/yaml-value.ts';
import { keepStray, type NamedSection } from './section.ts';

/** Reads the one fenced yaml block of a section. Where it cannot be parsed, it is kept as extra and the record stands without it. */
export function readYamlSection(
  section: NamedSection,
  nodes: readonly OutlineNode[],
  declaration: YamlSection,
  draft: Draft,
  context: RecordContext,
): void {
  const { text, report } = context;
  const fence = nodes.find((node) => node.type === 'fence');
  for (const node of nodes) {
    if (node !== fence) keepStray(section, valueOf(text, node), 'One fenced yaml block is expected', draft, context);
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
      message: `This block has no ${missing.map(({ label }) => label).join(', ')}.`,
    });
  }
  if (Object.keys(values).length > 0) draft.values[section.property] = values;

  function keep(name: string, value: Span): void {
    draft.keep(`${section.name} / ${name}`, text.slice(value.start, value.end));
  }
}
