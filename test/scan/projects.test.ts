import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { findRecord, scanProblems } from '../../src/index.ts';
import { found, record, tree } from './tree.ts';

const files = {
  'PROBLEMS.md': record('Zero'),
  'services/db/PROBLEMS.md': record('One'),
  'services/web/PROBLEMS.md': record('Two'),
  'services/web/docs/PROBLEMS.md': record('Two more'),
  'archive/db/PROBLEMS.md': record('Three'),
  'a b/PROBLEMS.md': record('Four'),
  'a-b/PROBLEMS.md': record('Five'),
  'prose/web/PROBLEMS.md': 'Says `<!-- EMBED:ACTIVEPROBLEM:START -->`.\n',
};

/** The id of every record by its title, from what a command line with these paths in this folder reads. */
async function ids(cwd: string, ...paths: readonly string[]): Promise<Record<string, string>> {
  const { records } = await scanProblems(paths.length === 0 ? ['.'] : paths, { cwd, config: await loadConfig(cwd) });
  return Object.fromEntries(records.map(({ title, id }) => [title, id]));
}

const wanted = {
  Zero: 'root/zero',
  One: 'services/db/one',
  Two: 'web/two',
  'Two more': 'web/two-more',
  Three: 'archive/db/three',
  Four: 'a-b/four',
  Five: 'a-b-2/five',
};

describe.each([
  ['a repository', '.git/HEAD', ''],
  ['a folder with a config', 'problems.config.yaml', 'ignore: []\n'],
])('a record in %s', (_, name, text) => {
  it('has the same id from whatever folder it is scanned, and whatever else is scanned', async () => {
    const root = tree({ ...files, '.git/HEAD': '', [name]: text });
    expect(await ids(root)).toEqual(wanted);
    expect(await ids(join(root, 'services'), '..')).toEqual(wanted);
    const { One, Two, Three, Four, Five } = wanted;
    const web = { Two, 'Two more': wanted['Two more'] };
    for (const [cwd, paths, expected] of [
      ['services', [], { One, ...web }],
      ['services/db', [], { One }],
      ['services/web', ['../db', '.'], { One, ...web }],
      ['services/web', ['../db/PROBLEMS.md'], { One }],
      ['.', ['services/db'], { One }],
      ['.', ['archive/db/PROBLEMS.md', 'services/web/PROBLEMS.md'], { Two, Three }],
      ['a-b', [], { Five }],
      ['a-b', ['../a b', 'PROBLEMS.md'], { Four, Five }],
      ['services/web', ['.', 'missing'], web],
      ['/', [join(root, 'services/db')], { One }],
    ] as const) {
      // From outside, no config is found.
      if (cwd === '/' && name !== '.git/HEAD') continue;
      expect(await ids(join(cwd === '/' ? '' : root, cwd), ...paths), `${cwd} ${paths.join(' ')}`).toEqual(expected);
    }
  });

  it('is found by its id from whatever folder', async () => {
    const root = tree({ ...files, [name]: text, '.git/HEAD': '' });
    for (const folder of ['.', 'services', 'services/db', 'services/web', 'a-b']) {
      const cwd = join(root, folder);
      const { record: one } = await findRecord('services/db/one', { cwd, config: await loadConfig(cwd) });
      expect(one.title).toBe('One');
    }
    const cwd = join(root, 'services/web');
    await expect(findRecord('db/nowhere', { cwd, config: await loadConfig(cwd) })).rejects.toThrow('No record or task');
    const named = { cwd, config: await loadConfig(cwd), paths: ['.'] };
    await expect(findRecord('services/db/one', named)).rejects.toThrow('No record or task');
  });
});

describe('several projects in one scan', () => {
  it('are told apart by their folders', async () => {
    const root = tree({
      'x/.git/HEAD': '',
      'x/PROBLEMS.md': record('1'),
      'x/db/PROBLEMS.md': record('2'),
      'y/.git/HEAD': '',
      'y/PROBLEMS.md': record('3'),
      'y/db/PROBLEMS.md': record('4'),
    });
    expect(await found(root, {}, ['x', 'y'])).toEqual({
      'x/PROBLEMS.md': 'x',
      'x/db/PROBLEMS.md': 'x/db',
      'y/PROBLEMS.md': 'y',
      'y/db/PROBLEMS.md': 'y/db',
    });
  });
});

describe('a linked worktree', () => {
  it('gives the same ids as the main one, from inside and beside', async () => {
    const root = tree({ ...files, '.gitignore': 'nothing\n' });
    const git = (...words: readonly string[]) =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...words], {
        cwd: root,
        stdio: 'pipe',
      });
    git('init', '-q');
    git('add', '.');
    git('commit', '-qm', 'all');
    git('worktree', 'add', '-q', 'trees/other');
    expect(await ids(root)).toEqual(wanted);
    expect(await ids(join(root, 'trees/other'))).toEqual(wanted);
    expect(await ids(join(root, 'trees/other/services'))).toMatchObject({ One: wanted.One });
  });
});
