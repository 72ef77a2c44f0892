import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { actions } from '../../src/app/remediation.ts';
import { loadPlugins } from '../../src/app/open-remediation.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'problems-plugins-'));
  await symlink(join(import.meta.dirname, '..', '..', 'node_modules'), join(folder, 'node_modules'));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

const builtIn = { remediators: [], actions };

describe('remediators and actions of others', () => {
  it('are loaded by their path and stand beside the built-in ones', async () => {
    await cp(join(import.meta.dirname, '..', '..', 'examples', 'restart-policy.ts'), join(folder, 'restart-policy.ts'));
    const loaded = await loadPlugins(['./restart-policy.ts'], folder, builtIn);
    expect(loaded.remediators.map(({ name }) => name)).toEqual(['missing-restart-policy']);
    expect(loaded.actions.at(-1)?.name).toBe('note.write');
  });

  it.each([
    ['export const remediators = [{ name: "Not Kebab" }]', 'kebab-case'],
    ['export const remediators = [{ name: "x" }]', 'must be a function'],
    ['export const actions = {}', 'no list'],
    ['throw new Error("broken")', 'broken'],
    [
      "import { z } from 'zod'; const f = () => 1; export const actions = [{ name: 'container.stop', about: 'x', params: z.any(), before: z.any(), operation: 'x', describe: f, effect: f, prepare: f, isDone: f, apply: f }]",
      'there already',
    ],
  ])('are refused where their shape is wrong: %s', async (source, message) => {
    await writeFile(join(folder, 'plugin.mjs'), source);
    await expect(loadPlugins(['./plugin.mjs'], folder, builtIn)).rejects.toMatchObject({
      code: 'bad-config',
      message: expect.stringContaining(message),
    });
  });

  it('lie within the folder or are packages', async () => {
    await expect(loadPlugins(['../elsewhere.mjs'], folder, builtIn)).rejects.toMatchObject({ code: 'outside-root' });
    await symlink(join(import.meta.dirname, '..', '..', 'examples', 'restart-policy.ts'), join(folder, 'link.ts'));
    await expect(loadPlugins(['./link.ts'], folder, builtIn)).rejects.toMatchObject({ code: 'outside-root' });
    await expect(loadPlugins(['no-such-package-here'], folder, builtIn)).rejects.toMatchObject({ code: 'bad-config' });
  });
});
