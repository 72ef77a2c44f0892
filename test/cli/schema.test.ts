import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { schemaFiles } from '../../src/schema/index.ts';
import { schemaNames } from '../../src/schema/names.ts';
import { run } from './run.ts';

describe('problems schema', () => {
  it('prints a JSON Schema and nothing else', async () => {
    const { code, stdout, stderr } = await run(['schema', 'active']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' });
  });

  it('prints the schema of any record by default', async () => {
    expect((await run(['schema'])).stdout).toBe((await run(['schema', 'record'])).stdout);
  });

  it('suggests the nearest name', async () => {
    const { code, stderr } = await run(['schema', 'valdate']);
    expect(code).toBe(2);
    expect(stderr).toContain('Did you mean validate?');
  });

  it('has a file for every name, each a schema of draft 2020-12 with its own id', () => {
    const files = schemaFiles();
    expect(files.size).toBe(schemaNames.length);
    expect(new Set([...files.values()].map(({ $id }) => $id)).size).toBe(files.size);
    for (const schema of files.values()) {
      const ajv = new Ajv2020({ strict: true, strictTypes: false });
      addFormats.default(ajv);
      expect(() => ajv.compile(schema)).not.toThrow();
    }
  });
});
