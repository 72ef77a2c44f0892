import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const bin = join(root, 'dist/cli/bin.js');

describe('the built command', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'built-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function run(...args: readonly string[]) {
    return spawnSync(process.execPath, [bin, ...args], { cwd: folder, encoding: 'utf8' });
  }

  it('prints the version of the package', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string };
    expect(run('--version').stdout.trim()).toContain(version);
  });

  it('fixes a file, so the package for atomic writes works in the bundle', () => {
    copyFileSync(join(root, 'fixtures/diagnostics/marker-spelling.md'), join(folder, 'PROBLEMS.md'));
    expect(run('validate', '--fix', 'PROBLEMS.md')).toMatchObject({ status: 0 });
    expect(readFileSync(join(folder, 'PROBLEMS.md'), 'utf8')).toContain('<!-- EMBED:PROBLEMANALYSIS:START -->');
  });

  it('finds the Markdown parser in the bundle when a file needs it', () => {
    copyFileSync(join(root, 'fixtures/diagnostics/forms.md'), join(folder, 'PROBLEMS.md'));
    expect(run('validate', '--strict', 'PROBLEMS.md')).toMatchObject({ status: 0, stdout: '' });
  });

  it('scans the fixtures without an error', () => {
    expect(run('scan', join(root, 'fixtures'))).toMatchObject({ status: 0 });
  });
});
