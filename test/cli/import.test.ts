import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { jsonSchemaOf } from '../../src/schema/index.ts';
import { run, temporaryFolder } from './run.ts';

const text = [
  '# Known issues',
  '',
  '### 1. Lost updates (FIXED)',
  '**Problem**: two writers',
  '**Root cause**: no lock',
  '',
  '### 2. Slow start',
  '**Problem**: 40 seconds',
  '**Workaround**: wait',
  '',
].join('\n');

describe('problems import', () => {
  it('lists what a file proposes, and what it is', async () => {
    await using folder = temporaryFolder();
    folder.write('db/PROBLEMS.md', text);
    const { code, stdout } = await run(['import'], { cwd: folder.path });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^db\/PROBLEMS\.md: 2 problems \(1 active, 1 resolved\); 1 line stays text\n/);
    expect(stdout).toMatch(/line 3: Lost updates \(resolved; 0\.\d\d\)\n.*line 7: Slow start \(active; 0\.\d\d\)\n/);
  });

  it('prints each proposal as JSON with the lines that its values come from', async () => {
    await using folder = temporaryFolder();
    folder.write('db/docs/KNOWN_ISSUES.md', text);
    const { stdout } = await run(['import', 'db/docs/KNOWN_ISSUES.md', '--json'], { cwd: folder.path });
    expect(JSON.parse(stdout)).toMatchObject({
      schemaVersion: 1,
      records: [
        {
          path: 'db/docs/KNOWN_ISSUES.md',
          component: 'db',
          title: 'Lost updates',
          line: 3,
          endLine: 5,
          provenance: { description: [{ line: 4, endLine: 4 }], rootCause: [{ line: 5, endLine: 5 }] },
        },
        { title: 'Slow start', provenance: { workaround: [{ line: 9, endLine: 9 }] } },
      ],
    });
  });

  it('prints JSON that its schema accepts: before it writes, when it writes, and when sources have changed', async () => {
    const valid = new Ajv2020({ strictTypes: false }).compile(jsonSchemaOf('import'));
    await using folder = temporaryFolder({ 'db/KNOWN_ISSUES.md': text });
    cpSync(join(import.meta.dirname, '../import/habits'), join(folder.path, 'habits'), { recursive: true });
    const print = async (...options: readonly string[]): Promise<unknown> => {
      const { stdout } = await run(['import', 'habits/labels-italian.md', 'db', ...options, '--json'], {
        cwd: folder.path,
      });
      const output: unknown = JSON.parse(stdout);
      expect(valid(output), JSON.stringify(valid.errors)).toBe(true);
      return output;
    };
    await print();
    expect(await print('--write')).toMatchObject({ registries: [{ written: true }, { written: true }] });
    folder.write('db/KNOWN_ISSUES.md', text.replace('Slow start', 'Late start').replace('no lock', 'two locks'));
    expect(await print()).toMatchObject({ registries: [{ items: [{ action: 'updated' }, {}] }, {}] });
  });

  it('says so and exits with 0 if there is nothing to import', async () => {
    await using folder = temporaryFolder();
    folder.write('PROBLEMS.md', '# Problems\n\nNone yet.\n');
    const { code, stdout } = await run(['import'], { cwd: folder.path });
    expect({ code, stdout: stdout.split('.')[0] }).toEqual({ code: 0, stdout: 'PROBLEMS' });
    expect(stdout).toContain('nothing to import');
  });

  it('escapes what a terminal would obey', async () => {
    await using folder = temporaryFolder();
    folder.write('PROBLEMS.md', text.replace('Slow start', 'Slow \u001B[31m start'));
    const { stdout } = await run(['import'], { cwd: folder.path });
    expect(stdout).not.toContain('\u001B');
  });

  it('exits with 2 if a file cannot be read', async () => {
    await using folder = temporaryFolder();
    expect((await run(['import', 'missing.md'], { cwd: folder.path })).code).toBe(2);
  });
});
