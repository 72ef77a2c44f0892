import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listBackups } from '../../src/backups/inventory.ts';
import { filesLevel } from '../../src/backups/levels/files.ts';

const begin = '--\n-- PostgreSQL database dump\n--\n\n';
const end = '\n--\n-- PostgreSQL database dump complete\n--\n\n';
const never = new AbortController().signal;

let folder = '';
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'problems-dumps-')));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

describe('a plain dump with commands of psql', () => {
  it.each([
    ['\\! touch /tmp/x', 5],
    ["SELECT 1;\n\\copy t from program 'id'", 6],
    ['COPY t FROM stdin;\n1\n\\.\n\\o |sh', 8],
  ])('fails at L0, which a restore requires, with its line: %j', async (text, line) => {
    for (const [name, content] of [
      ['full.sql', `${begin}${text}${end}`],
      ['full.sql.gz', gzipSync(`${begin}${text}${end}`)],
    ] as const) {
      expect(await observed(name, content)).toEqual([
        `failed does-not-restore: line ${line} of ${name}: ${text.split('\n').at(-1)} is a command of psql. Such a dump is not restored.`,
      ]);
    }
  });

  it('is not mistaken for one that has such lines in rows, functions, strings and comments', async () => {
    const text = [
      'COPY public.t (a) FROM stdin;\n\\! id\n\\.\n',
      'CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $_$\n\\! id\n$_$;\n',
      "INSERT INTO t VALUES ('\n\\! id\n', E'\\\\\n\\\\! id');\n",
      '/*\n\\! id\n*/\n\\connect shop\n',
    ].join('');
    expect(await observed('full.sql', `${begin}\\restrict abc\n${text}${end}\\unrestrict abc\n`)).toEqual([
      'passed : full.sql is a complete plain dump by its own marks.',
    ]);
  });
});

async function observed(name: string, content: string | Uint8Array): Promise<readonly string[]> {
  const path = join(folder, 'orders', 'one');
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true });
  await writeFile(join(path, name), content);
  const [backup] = (await listBackups([folder], 'orders')).backups;
  if (backup === undefined) throw new Error('it is not there');
  const { observations } = await filesLevel(backup, undefined, never);
  return observations.slice(1).map(({ result, cause, says }) => `${result} ${cause ?? ''}: ${says}`);
}
