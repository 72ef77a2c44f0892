import { globSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { blankRecord } from '../../src/registry/kinds/blank.ts';
import { kinds } from '../../src/registry/kinds/index.ts';
import { readRegistry } from '../../src/registry/parse/read.ts';
import { recordJsonSchema, recordSchema } from '../../src/registry/schema.ts';

const records = globSync('fixtures/**/*.md').flatMap(
  (path) => readRegistry(readFileSync(path, 'utf8'), { path, component: 'c' }).records,
);

describe.each(kinds.map((kind) => [kind.name, kind] as const))('the schema of %s records', (name, kind) => {
  it('accepts every record of the fixtures, with zod and with JSON Schema', () => {
    const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(recordJsonSchema(name));
    const own = records.filter((record) => record.kind === name);
    expect(own.length).toBeGreaterThan(0);
    for (const record of own) {
      expect(recordSchema(kind).safeParse(record).error?.issues ?? []).toEqual([]);
      validate(record);
      expect(validate.errors ?? []).toEqual([]);
    }
  });

  it('refuses a property that the kind does not have', () => {
    const [record] = records.filter((candidate) => candidate.kind === name);
    expect(recordSchema(kind).safeParse({ ...record, mood: 'bad' }).success).toBe(false);
  });

  it('has a blank record with all sections, in which only placeholders and missing values are reported', () => {
    const { records: blank, diagnostics } = readRegistry(blankRecord(kind));
    expect(blank.map((record) => record.kind)).toEqual([name]);
    const reported = new Set(diagnostics.map((diagnostic) => diagnostic.code));
    expect([...reported].filter((code) => !['placeholder', 'label-missing', 'section-missing'].includes(code))).toEqual(
      [],
    );
    const { kind: _, id, title, component, path, place, places, extra, unreadable, ...values } = blank[0] ?? {};
    expect(values).toEqual({});
    expect(extra).toEqual({});
    expect(unreadable).toContain('title');
  });
});
