import type { z } from 'zod';
import { Config } from '../config/schema.ts';
import { remediationSection } from '../remediation/config.ts';
import { remediators } from '../remediation/remediators/index.ts';
import { verifiers } from '../remediation/requests/index.ts';
import { kinds } from '../registry/kinds/index.ts';
import { anyRecordSchema, jsonSchema, recordJsonSchema } from '../registry/schema.ts';
import { rankProtocol } from '../learning/protocol.ts';
import { ImportOutput } from './import.ts';
import { scanSchema, Task, Validation } from './output.ts';
import { schemaNames } from './names.ts';

const schemas: Readonly<Record<string, () => z.ZodType>> = {
  record: anyRecordSchema,
  task: () => Task,
  scan: scanSchema,
  validate: () => Validation,
  import: () => ImportOutput,
  rank: () => rankProtocol,
  config: configSchema,
};

/** As files state it: with the settings that the built-in remediators declare. */
function configSchema(): z.ZodType {
  return Config.extend({
    remediation: remediationSection([...remediators, ...verifiers])
      .exactOptional()
      .describe('How instances are repaired.'),
  });
}

/** The JSON Schema, draft 2020-12, of one of `schemaNames`. Throws a TypeError for any other name. */
export function jsonSchemaOf(name: string): Readonly<Record<string, unknown>> {
  const kind = kinds.find((candidate) => candidate.name === name);
  if (kind !== undefined) return recordJsonSchema(kind.name);
  const schema = schemas[name];
  if (schema === undefined) throw new TypeError(`Unknown schema ${name}.`);
  return jsonSchema(schema(), name, name === 'config' ? 'input' : 'output');
}

/** Every file of the folder `schemas`, by its name. */
export function schemaFiles(): ReadonlyMap<string, Readonly<Record<string, unknown>>> {
  return new Map(
    schemaNames.map((name) => {
      const schema = jsonSchemaOf(name);
      return [`${String(schema['$id']).split('/').at(-1)}`, schema];
    }),
  );
}
