import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const bin = join(root, 'dist/cli/bin.js');
const registry = join(root, 'fixtures/resources/postgres/PROBLEMS.md');

/** Every module that a program loads, built-ins left out, as a path from the root of the package. */
function loadedBy(args: readonly string[]): readonly string[] {
  const { stderr } = spawnSync(process.execPath, ['--import', join(import.meta.dirname, 'print-imports.ts'), ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  return stderr.split('\n').flatMap((line) => {
    const path = /^loaded file:\/\/(.*)$/.exec(line)?.[1];
    return path === undefined ? [] : [path.slice(root.length + 1)];
  });
}

describe('the built package', () => {
  it('exists, since `npm ci` builds it', () => {
    expect(existsSync(bin), 'run npm run build').toBe(true);
  });

  it.each([
    { title: 'validating a file', args: [bin, 'validate', registry] },
    { title: 'scanning a tree', args: [bin, 'scan', join(root, 'fixtures')] },
    { title: 'importing the library', args: ['--input-type=module', '--eval', 'await import("problem-registry")'] },
    {
      title: 'importing the remark plugin',
      args: ['--input-type=module', '--eval', 'await import("problem-registry/remark")'],
    },
    {
      title: 'importing the queue',
      args: ['--input-type=module', '--eval', 'await import("problem-registry/swarm")'],
    },
  ])('loads nothing but its own files and no Markdown parser for $title', ({ args }) => {
    const loaded = loadedBy(args);
    expect(loaded.some((path) => path.startsWith('dist/'))).toBe(true);
    expect(loaded.filter((path) => !path.startsWith('dist/'))).toEqual([]);
    expect(loaded.filter((path) => path.includes('markdown-tree'))).toEqual([]);
  });
});
