import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { userExcludes } from '../../src/scan/git-excludes.ts';
import { emptyFolder, found, record, tree, write } from './tree.ts';

const names = ['HOME', 'XDG_CONFIG_HOME', 'GIT_CONFIG_NOSYSTEM', 'GIT_CONFIG_GLOBAL'] as const;
const before = Object.fromEntries(names.map((name) => [name, process.env[name]]));
let home = '';

beforeEach(() => {
  home = emptyFolder();
  for (const name of names) delete process.env[name];
  Object.assign(process.env, { HOME: home, GIT_CONFIG_NOSYSTEM: '1' });
});

afterEach(() => {
  for (const name of names) delete process.env[name];
  for (const [name, value] of Object.entries(before)) if (value !== undefined) process.env[name] = value;
});

/** What git itself reads. */
function gitSays(repository: string): string {
  return execFileSync('git', ['config', '--type=path', '--get', 'core.excludesFile'], {
    cwd: repository,
    encoding: 'utf8',
  }).trimEnd();
}

describe("the file of a user's own ignore patterns", () => {
  it.each([
    ['a plain path', '[core]\n\texcludesFile = ~/patterns\n'],
    ['other letters, quotes and a comment', '[CORE]\nexcludesfile="~/patterns" # mine\n'],
    ['the line of its section', '[core] excludesFile = ~/patterns\n'],
    [
      'the last of several',
      '[core]\nexcludesFile = ~/other\n[user]\nname = excludesFile\n[core]\nexcludesFile=~/patterns\n',
    ],
    ['a continued line', '[core]\nexcludesFile = ~/pat\\\nterns\n'],
    ['another section of the same words', '[core]\nexcludesFile = ~/patterns\n[core "x"]\nexcludesFile = ~/other\n'],
    ['an included file', '[include]\npath = sub/config\n'],
  ])('is found as git finds it: %s', (_, config) => {
    write(home, { '.gitconfig': config, patterns: '', other: '', 'sub/config': '[core]\nexcludesFile = ~/patterns\n' });
    const repository = emptyFolder();
    execFileSync('git', ['init', '-q'], { cwd: repository });
    expect(gitSays(repository)).toBe(join(home, 'patterns'));
    expect(userExcludes(repository)).toBe(join(home, 'patterns'));
  });

  it('is git/ignore of the config folder unless core.excludesFile names another, or none', () => {
    write(home, { '.config/git/ignore': '' });
    expect(userExcludes(undefined)).toBe(join(home, '.config/git/ignore'));
    write(home, { '.gitconfig': '[core]\nexcludesFile =\n' });
    expect(userExcludes(undefined)).toBe(undefined);
  });

  it('is ignored if it does not exist, is a folder, or a config includes itself', () => {
    expect(userExcludes(undefined)).toBe(undefined);
    write(home, { 'folder/file': '', '.gitconfig': '[include]\npath = .gitconfig\n[core]\nexcludesFile = ~/folder\n' });
    expect(userExcludes(undefined)).toBe(undefined);
  });
});

describe('a scan', () => {
  it('leaves out what the user ignores in every repository, also in nested ones and from a folder inside', async () => {
    write(home, { patterns: 'scratch/\n/top/\n!PROBLEMS.md\n', '.gitconfig': '[core]\nexcludesFile = ~/patterns\n' });
    const root = tree({
      '.git/HEAD': '',
      'scratch/PROBLEMS.md': record('1'),
      'top/PROBLEMS.md': record('2'),
      'in/top/PROBLEMS.md': record('3'),
      'in/scratch/PROBLEMS.md': record('4'),
      'nested/.git/HEAD': '',
      'nested/top/PROBLEMS.md': record('5'),
      'nested/in/PROBLEMS.md': record('6'),
    });
    expect(Object.keys(await found(root))).toEqual(['in/top/PROBLEMS.md', 'nested/in/PROBLEMS.md']);
    expect(Object.keys(await found(join(root, 'in')))).toEqual(['top/PROBLEMS.md']);
  });

  it('lets the ignore files of a repository bring back what the user ignores', async () => {
    write(home, { '.config/git/ignore': 'scratch/\n' });
    symlinkSync(join(home, '.config/git/ignore'), join(home, 'linked'));
    write(home, { '.gitconfig': '[core]\nexcludesFile = ~/linked\n' });
    const root = tree({ '.git/HEAD': '', 'a/scratch/PROBLEMS.md': record('1'), 'b/scratch/PROBLEMS.md': record('2') });
    write(root, { 'a/.gitignore': '!scratch/\n' });
    expect(Object.keys(await found(root))).toEqual(['a/scratch/PROBLEMS.md']);
  });

  it('ignores the user’s patterns outside repositories', async () => {
    write(home, { '.config/git/ignore': 'scratch/\n' });
    const root = tree({ 'scratch/PROBLEMS.md': record('1') });
    expect(Object.keys(await found(root))).toEqual(['scratch/PROBLEMS.md']);
  });
});
