import { z } from 'zod';
import type { HeaderType, KindDeclaration, SectionDeclaration, Slot, YamlType } from './kinds/declaration.ts';
import { type KindName, kinds } from './kinds/index.ts';
import { propertyName } from './names.ts';

/** The base URL of the schemas of this version. The `$id` of each is this, the file's name and `.json`. */
const schemaBase = 'https://problem-registry.dev/schemas/v1/';

const isoDate = z.string().regex(/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?)?$/);

/** The place of a record or of an unknown block. */
export const place = z.strictObject({
  line: z.int().min(1),
  column: z.int().min(1),
  offset: z.int().min(0),
  endLine: z.int().min(1),
  endColumn: z.int().min(1),
  endOffset: z.int().min(0),
});

/** The zod schema of one kind's records, derived from its declaration. Strict: everything that the kind does not declare is in `extra`. */
export function recordSchema(kind: KindDeclaration): z.ZodObject {
  return z
    .strictObject({
      kind: z.literal(kind.name),
      id: z.string().min(1).describe('`<component>/<slug of title>`, or the ID in the header.'),
      title: z.string().min(1),
      component: z.string().min(1),
      path: z.string().describe("The registry's path as given, with forward slashes."),
      ...headerShape(kind),
      ...sectionShape(kind),
      place: place.describe('From the START marker to the end of the END marker.'),
      places: z.record(z.string(), place).describe('The place of each value, by property path.'),
      unreadable: z
        .array(z.string())
        .optional()
        .describe(
          'What keeps this record from becoming a task: `merge-conflict`, or a property that could not be read.',
        ),
      extra: z.record(z.string(), z.string()).describe('Everything that this kind does not declare, as written.'),
    })
    .describe(kind.about);
}

/** The schema of any record, discriminated by `kind`. */
export function anyRecordSchema(): z.ZodUnion {
  return z.union(kinds.map((kind) => recordSchema(kind)));
}

/** JSON Schema, draft 2020-12, of one kind's records. */
export function recordJsonSchema(name: KindName): Record<string, unknown> {
  const kind = kinds.find((candidate) => candidate.name === name);
  if (kind === undefined) throw new TypeError(`Unknown kind ${name}.`);
  return jsonSchema(recordSchema(kind), `record-${name}`);
}

/**
 * A zod schema as JSON Schema, draft 2020-12, with its URL as `$id`.
 * @param io `input` describes what users write, where keys with a default may be left out.
 */
export function jsonSchema(
  schema: z.ZodType,
  name: string,
  io: 'input' | 'output' = 'output',
): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io });
  return { $schema, $id: `${schemaBase}${name}.json`, ...rest };
}

function headerShape(kind: KindDeclaration): Record<string, z.ZodType> {
  const labels = Object.entries(kind.header).filter(([label]) => label !== 'ID');
  return Object.fromEntries(labels.map(([label, slot]) => [propertyName(label), slotSchema(slot)]));
}

function sectionShape(kind: KindDeclaration): Record<string, z.ZodType> {
  return Object.fromEntries(
    Object.entries(kind.sections).map(([title, section]) => [
      propertyName(title),
      sectionSchema(section).describe(section.about).optional(),
    ]),
  );
}

function sectionSchema(section: SectionDeclaration): z.ZodType {
  switch (section.holds) {
    case 'prose':
      return z.string();
    case 'list':
    case 'tags':
      return z.array(z.string());
    case 'fields':
      return z.strictObject(
        Object.fromEntries(
          Object.entries(section.fields).map(([label, about]) => [
            propertyName(label),
            z.string().describe(about).optional(),
          ]),
        ),
      );
    case 'yaml':
      return z.strictObject(
        Object.fromEntries(Object.entries(section.keys).map(([key, slot]) => [propertyName(key), slotSchema(slot)])),
      );
  }
}

/** Every property is optional, even a required one: a record lacks what its file does not state. */
function slotSchema(slot: Slot<HeaderType | YamlType>): z.ZodType {
  return typeSchema(slot.value).describe(slot.about).optional();
}

function typeSchema(type: HeaderType | YamlType): z.ZodType {
  switch (type.type) {
    case 'term':
      return z.enum(Object.keys(type.terms));
    case 'number':
      return z.number().min(type.minimum).max(type.maximum);
    case 'date':
      return isoDate;
    case 'words':
    case 'tags':
    case 'texts':
      return z.array(z.string());
    case 'text-map':
      return z.record(z.string(), z.string());
    case 'text':
    case 'id':
      return z.string();
  }
}
