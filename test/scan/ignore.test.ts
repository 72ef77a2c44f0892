import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyFolder, found, record, tree, write } from './tree.ts';
import { runsOf } from '../soak.ts';

const registry = record('r');

async function paths(root: string, options = {}, scanned = ['.']): Promise<string[]> {
  return Object.keys(await found(root, options, scanned));
}

function git(root: string, ...args: readonly string[]): string {
  return execFileSync('git', ['-c', 'core.excludesFile=', ...args], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

describe('ignore files', () => {
  it('exclude the files that they name, in a repository and elsewhere, tracked or not', async () => {
    const root = tree({ '.gitignore': 'out/\n', 'out/PROBLEMS.md': registry, 'in/PROBLEMS.md': registry });
    expect(await paths(root)).toEqual(['in/PROBLEMS.md']);
    git(root, 'init', '-q');
    git(root, 'add', '-f', '.');
    expect(await paths(root)).toEqual(['in/PROBLEMS.md']);
  });

  it('override those in parent folders: a deeper file can include again what a higher one excludes', async () => {
    const root = tree({
      '.gitignore': 'build/\n*.md\n!/keep/**/PROBLEMS.md\n',
      'keep/.gitignore': '!build/\nsecret/\n',
      'keep/build/PROBLEMS.md': registry,
      'keep/secret/PROBLEMS.md': registry,
      'keep/a/PROBLEMS.md': registry,
      'other/PROBLEMS.md': registry,
      'build/PROBLEMS.md': registry,
    });
    expect(await paths(root)).toEqual(['keep/a/PROBLEMS.md', 'keep/build/PROBLEMS.md']);
  });

  it('cannot include anything in an ignored folder again', async () => {
    const root = tree({ '.gitignore': '/a/\n!/a/b/\n', 'a/.gitignore': '!b/\n', 'a/b/PROBLEMS.md': registry });
    expect(await paths(root)).toEqual([]);
  });

  it('named .ignore override those of git at any depth', async () => {
    const root = tree({
      '.ignore': '!a\nb\n',
      '.gitignore': 'a\n',
      'x/.gitignore': '!b\n',
      'a/PROBLEMS.md': registry,
      'x/b/PROBLEMS.md': registry,
    });
    expect(await paths(root)).toEqual(['a/PROBLEMS.md']);
  });

  it('above a scanned folder of a worktree apply too, although its .git is a file', async () => {
    const root = tree({
      '.git': 'gitdir: /elsewhere/.git/worktrees/x\n',
      '.gitignore': 'b\n',
      'in/a/PROBLEMS.md': registry,
      'in/b/PROBLEMS.md': registry,
    });
    expect(await paths(join(root, 'in'))).toEqual(['a/PROBLEMS.md']);
  });

  it('in folders above the scanned one apply up to the repository, as does .git/info/exclude', async () => {
    const root = tree({
      '.gitignore': '/in/a/\n',
      'in/a/PROBLEMS.md': registry,
      'in/b/PROBLEMS.md': registry,
      'in/c/PROBLEMS.md': registry,
    });
    expect(await paths(root, {}, ['in'])).toHaveLength(3);
    git(root, 'init', '-q');
    write(root, { '.git/info/exclude': 'c\n' });
    expect(await paths(root, {}, ['in'])).toEqual(['in/b/PROBLEMS.md']);
    expect(await paths(join(root, 'in'))).toEqual(['b/PROBLEMS.md']);
    expect(await paths(root)).toEqual(['in/b/PROBLEMS.md']);
  });

  it('of git apply up to the boundary of a nested repository; those named .ignore go further', async () => {
    const root = tree({
      '.gitignore': 'a\n',
      '.ignore': 'b\n',
      'inner/.git/HEAD': '',
      'inner/a/PROBLEMS.md': registry,
      'inner/b/PROBLEMS.md': registry,
      'linked/.git': 'gitdir: ../x\n',
      'linked/a/PROBLEMS.md': registry,
    });
    expect(await paths(root)).toEqual(['inner/a/PROBLEMS.md', 'linked/a/PROBLEMS.md']);
  });

  it('do not exclude a folder that is named explicitly', async () => {
    const root = tree({ '.git/HEAD': '', '.gitignore': 'dist/\n', 'dist/a/PROBLEMS.md': registry });
    expect(await paths(root, {}, ['dist'])).toEqual(['dist/a/PROBLEMS.md']);
  });

  it('have no effect if they are symbolic links, folders or unreadable', async () => {
    const root = tree({ rules: 'a\n', 'a/PROBLEMS.md': registry, 'b/.gitignore/x': '', 'b/PROBLEMS.md': registry });
    symlinkSync('rules', join(root, '.gitignore'));
    expect(await paths(root)).toEqual(['a/PROBLEMS.md', 'b/PROBLEMS.md']);
  });

  it('are case-sensitive, and apply to folders with pattern characters in their names', async () => {
    const root = tree({
      '.gitignore': 'Problems.md\n',
      'a/PROBLEMS.md': registry,
      '[x]*/.gitignore': '/y/\n',
      '[x]*/y/PROBLEMS.md': registry,
      'x/y/PROBLEMS.md': registry,
    });
    expect(await paths(root)).toEqual(['a/PROBLEMS.md', 'x/y/PROBLEMS.md']);
  });
});

describe('patterns of the config', () => {
  it('are relative to the config and cannot be overruled', async () => {
    const root = tree({
      '.ignore': '!a\n',
      'in/a/PROBLEMS.md': registry,
      'in/b/PROBLEMS.md': registry,
      'b/PROBLEMS.md': registry,
    });
    const options = { ignore: ['a', '/in/b'], configFolder: root };
    expect(await paths(root, options)).toEqual(['b/PROBLEMS.md']);
    expect(await paths(join(root, 'in'), options)).toEqual([]);
    expect(await paths(root, { ignore: ['/b'], configFolder: join(root, 'in') })).toEqual([
      'b/PROBLEMS.md',
      'in/a/PROBLEMS.md',
    ]);
  });
});

describe('ignore rules compared with git', () => {
  const names = ['a', 'b', 'c', 'a b', '[a]'];
  const path = fc
    .array(fc.constantFrom(...names), { maxLength: 3 })
    .map((parts) => parts.map((part) => `${part}/`).join(''));
  const pattern = fc
    .tuple(
      fc.constantFrom('', '', '!'),
      fc.constantFrom('', '/', '**/', '\\'),
      fc.array(
        fc.constantFrom('a', 'b', 'c', '*', '?', '[ab]', 'a b', '**', String.raw`\[a]`, 'PROBLEMS.md', 'P*.md', 'a*'),
        { minLength: 1, maxLength: 3 },
      ),
      fc.constantFrom('', '/', '/**', '/*', ' ', String.raw`\ `),
    )
    .map(([negation, before, parts, after]) => negation + before + parts.join('/') + after);
  const rules = fc.array(fc.oneof({ weight: 9, arbitrary: pattern }, fc.constantFrom('# a', '', '  ', '/')), {
    minLength: 1,
    maxLength: 4,
  });

  it('finds the untracked files that git lists', { timeout: 60_000 }, async () => {
    const property = fc.asyncProperty(
      fc.uniqueArray(path, { minLength: 1, maxLength: 12 }),
      fc.array(fc.tuple(path, rules), { maxLength: 4 }),
      async (folders, files) => {
        const root = emptyFolder();
        git(root, 'init', '-q');
        write(root, Object.fromEntries(folders.map((folder) => [`${folder}PROBLEMS.md`, registry])));
        write(
          root,
          Object.fromEntries(files.map(([folder, lines]) => [`${folder}.gitignore`, `${lines.join('\n')}\n`])),
        );
        const listed = git(
          root,
          'ls-files',
          '-z',
          '--others',
          '--exclude-standard',
          '--',
          ':(icase,glob)**/problems.md',
        ).split('\0');
        expect(await paths(root)).toEqual(listed.filter((name) => name !== '').toSorted());
      },
    );
    await fc.assert(property, { numRuns: runsOf(40) });
  });
});
