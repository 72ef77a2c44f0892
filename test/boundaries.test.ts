import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

interface Refused {
  readonly file: string;
  readonly text: string;
  readonly message: string;
}

const refused: readonly Refused[] = [
  {
    file: 'src/priority/a.ts',
    text: `import 'pg';`,
    message: 'src/priority/ must not import the package pg',
  },
  {
    file: 'src/priority/b.ts',
    text: `import '../registry/parse/read.ts';`,
    message: 'must not import anything but types from src/registry/parse/read.ts',
  },
  {
    file: 'src/registry/a.ts',
    text: `import 'unified';`,
    message: 'src/registry/ must not import the package unified',
  },
  {
    file: 'src/registry/b.ts',
    text: `import '../priority/score.ts';`,
    message: 'src/registry/ must not import src/priority/score.ts',
  },
  { file: 'src/registry/c.ts', text: `import '../cli/main.ts';`, message: 'must not import src/cli/main.ts' },
  {
    file: 'src/scan/a.ts',
    text: `import '../host/docker/client.ts';`,
    message: 'src/scan/ must not import src/host/docker/client.ts',
  },
  {
    file: 'src/scan/b.ts',
    text: `export const later = import('../cli/main.ts');`,
    message: 'must not import src/cli/main.ts',
  },
  {
    file: 'src/tasks/a.ts',
    text: `export * from '../reporters/text/diagnostics.ts';`,
    message: 'must not import src/reporters/text/diagnostics.ts',
  },
  {
    file: 'src/reporters/a.ts',
    text: `import '../tasks/triage.ts';`,
    message: 'anything but types from src/tasks/triage.ts',
  },
  {
    file: 'src/host/other.ts',
    text: `import 'pg';`,
    message: 'src/host/ must not import the package pg',
  },
  {
    file: 'src/host/docker/client.ts',
    text: `import 'dockerode';`,
    message: 'src/host/ must not import the package dockerode',
  },
  {
    file: 'src/remediation/engine.ts',
    text: `import 'pg';`,
    message: 'src/remediation/ must not import the package pg',
  },
  {
    file: 'src/remediation/actions/a.ts',
    text: `import '../remediators/x/index.ts';`,
    message: 'must not import src/remediation/remediators/x/index.ts',
  },
  {
    file: 'src/remediation/remediators/x/a.ts',
    text: `import '../y/plan.ts';`,
    message: 'remediators/x/ must not import src/remediation/remediators/y/plan.ts',
  },
  {
    file: 'src/remediation/remediators/x/b.ts',
    text: `import '../../../host/docker/client.ts';`,
    message: 'anything but types from src/host/docker/client.ts',
  },
  { file: 'src/cli/a.ts', text: `import 'pg';`, message: 'src/cli/ must not import the package pg' },
  {
    file: 'src/index.ts',
    text: `import './host/docker/client.ts';`,
    message: 'must not import src/host/docker/client.ts',
  },
  { file: 'src/utils/a.ts', text: `import 'node:fs';`, message: 'is in no room' },
  { file: 'src/registry/d.ts', text: `export default 1;`, message: 'no-default-export' },
  { file: 'src/registry/e.ts', text: `export const read = () => 1;`, message: 'top-level-functions' },
  {
    file: 'src/registry/f.ts',
    text: `export function read(text: any): void { text.read(); }`,
    message: 'no-explicit-any',
  },
  {
    file: 'src/registry/g.ts',
    text: `export function read(text: unknown): string { return text as string; }`,
    message: 'consistent-type-assertions',
  },
  { file: 'src/registry/h.ts', text: `export function read(): void { console.log(1); }`, message: 'no-console' },
  { file: 'src/registry/badName.ts', text: `export const one = 1;`, message: 'filename-case' },
];

const allowed: Readonly<Record<string, string>> = {
  'src/registry/parse/markdown-tree.ts': `export * from 'unified'; export * from '../position.ts';`,
  'src/registry/parse/later.ts': `export const parser = import('./markdown-tree.ts');`,
  'src/priority/c.ts': `import type { ProblemRecord } from '../registry/record.ts'; export type Kind = ProblemRecord['kind'];`,
  'src/tasks/c.ts': `export * from '../priority/score.ts';`,
  'src/host/postgres/client.ts': `export * from 'pg';`,
  'src/remediation/remediators/index.ts': `export * from './x/index.ts';`,
  'src/remediation/remediators/z/c.ts': `export * from './plan.ts'; export * from '../../contract.ts'; export * from '../../../errors.ts';`,
  'src/cli/c.ts': `export const later = import('../app/remediation.ts');`,
};

describe('the linter', () => {
  let folder = '';
  let lines: readonly string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'boundaries-'));
    const config = readFileSync(join(root, '.oxlintrc.json'), 'utf8');
    const rules = JSON.stringify(join(root, 'build/lint/house-rules.ts'));
    write(
      '.oxlintrc.json',
      config.replace('"./build/lint/house-rules.ts"', rules).replace('"typeAware": true', '"typeAware": false'),
    );
    // The same file may be on both lists: refused and allowed imports are linted separately.
    for (const { file, text } of refused) write(join('refused', file), text);
    for (const [file, text] of Object.entries(allowed)) write(join('allowed', file), text);
    lines = (await Promise.all(['refused', 'allowed'].map(lint))).flat();
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function write(path: string, text: string): void {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), `${text}\n`);
  }

  async function lint(part: string): Promise<string[]> {
    const run = promisify(execFile)(
      join(root, 'node_modules/.bin/oxlint'),
      ['-c', '../.oxlintrc.json', '-f', 'unix', '.'],
      {
        cwd: join(folder, part),
      },
    );
    const { stdout } = await run.catch((error: { stdout: string }) => error);
    return stdout.split('\n').flatMap((line) => (line.includes(':') ? [`${part}/${line}`] : []));
  }

  it.each(refused)('refuses $text in $file', ({ file, message }) => {
    const found = lines.filter((line) => line.startsWith(`refused/${file}:`));
    expect(found.join('\n')).toContain(message);
  });

  it.each(Object.keys(allowed))('allows the imports of %s', (file) => {
    expect(lines.filter((line) => line.startsWith(`allowed/${file}:`))).toEqual([]);
  });
});
