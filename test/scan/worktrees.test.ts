import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { found, record, tree } from './tree.ts';

function git(cwd: string, ...args: readonly string[]): void {
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], { cwd, stdio: 'ignore' });
}

describe('a linked worktree of git', () => {
  const registry = record('r');

  function repository(): string {
    const root = tree({ 'PROBLEMS.md': registry, 'mail/PROBLEMS.md': registry });
    git(root, 'init', '--quiet');
    git(root, 'add', '--all');
    git(root, 'commit', '--quiet', '--message', 'All');
    git(root, 'worktree', 'add', '--quiet', 'wt', '-b', 'fix-a');
    git(root, 'worktree', 'add', '--quiet', '.claude/worktrees/fix-b', '-b', 'fix-b');
    return root;
  }

  it('below the scanned folder is left out, so that no record is read twice and no component changes', async () => {
    expect(await found(repository())).toEqual({ 'PROBLEMS.md': 'root', 'mail/PROBLEMS.md': 'mail' });
  });

  it('is read like any other folder if it is scanned itself', async () => {
    const root = repository();
    expect(Object.keys(await found(join(root, 'wt')))).toEqual(['PROBLEMS.md', 'mail/PROBLEMS.md']);
  });

  it('is told from a submodule and from any other file named .git', async () => {
    const root = repository();
    for (const [folder, text] of [
      ['module', 'gitdir: ../.git/modules/module\n'],
      ['odd', 'not a link\n'],
      ['empty', ''],
    ] as const) {
      mkdirSync(join(root, folder));
      writeFileSync(join(root, folder, '.git'), text);
      writeFileSync(join(root, folder, 'PROBLEMS.md'), registry);
    }
    expect(Object.keys(await found(root))).toEqual([
      'PROBLEMS.md',
      'empty/PROBLEMS.md',
      'mail/PROBLEMS.md',
      'module/PROBLEMS.md',
      'odd/PROBLEMS.md',
    ]);
  });
});
