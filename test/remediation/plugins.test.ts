import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { actions } from '../../src/app/remediation.ts';
import { loadPlugins } from '../../src/app/plugins.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'problems-plugins-'));
  await symlink(join(import.meta.dirname, '..', '..', 'node_modules'), join(folder, 'node_modules'));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

const builtIn = { remediators: [], actions };

/** A plugin with one action, valid except for these properties. */
function plugin(changes: object): string {
  const operation = { name: 'write-note', floor: 'auto', description: 'a note' };
  const data = JSON.stringify({ name: 'note.write', description: 'Writes a note.', operation, ...changes });
  const functions = ['describe', 'effect', 'prepare', 'isDone', 'apply'].map((name) => `${name}: () => 1`).join(', ');
  return `import { z } from 'zod'; export default { apiVersion: 1, actions: [{ ...${data}, params: z.any(), undoState: z.any(), ${functions} }] };`;
}

describe('remediators and actions of plugins', () => {
  it('are loaded by path and added to the built-in ones', async () => {
    await cp(join(import.meta.dirname, '..', '..', 'examples', 'plugin'), join(folder, 'plugin'), { recursive: true });
    const loaded = await loadPlugins(['./plugin/index.ts'], folder, builtIn);
    expect(loaded.remediators.map(({ name }) => name)).toEqual(['missing-restart-policy']);
    expect(loaded.actions.at(-1)?.name).toBe('note.write');
  });

  it('may declare their own operations', async () => {
    await writeFile(join(folder, 'plugin.mjs'), plugin({}));
    const { operations } = await loadPlugins(['./plugin.mjs'], folder, builtIn);
    expect(operations.get('write-note')).toEqual({ name: 'write-note', floor: 'auto', description: 'a note' });
  });

  it.each([
    ['export default { apiVersion: 1, remediators: [{ name: "Not Kebab" }] }', 'kebab-case'],
    ['export default { apiVersion: 1, remediators: [{ name: "x" }] }', 'remediators[0]: ✖ Invalid input'],
    ['export default { apiVersion: 1, actions: {} }', 'must be an array'],
    ['export default { apiVersion: 2 }', 'must be 1'],
    ['export const actions = []', 'no default export'],
    ['throw new Error("broken")', 'cannot load ./plugin.mjs: broken'],
    [plugin({ name: 'container.stop' }), 'the name container.stop is already taken'],
    [plugin({ operation: 'no-such-operation' }), 'must be an operation { name, floor, description }'],
    [plugin({ operation: { name: 'reset-wal', floor: 'auto', description: 'x' } }), 'already declared with never'],
    [plugin({ endedBy: 'note.erase' }), 'endedBy names note.erase, which is not an action'],
    [plugin({ deadlineMs: -1 }), 'deadlineMs'],
  ])('are refused with the fault named: %s', async (source, message) => {
    await writeFile(join(folder, 'plugin.mjs'), source);
    await expect(loadPlugins(['./plugin.mjs'], folder, builtIn)).rejects.toMatchObject({
      code: 'bad-config',
      message: expect.stringContaining(message),
    });
  });

  it('must be packages or files within the folder', async () => {
    await expect(loadPlugins(['../elsewhere.mjs'], folder, builtIn)).rejects.toMatchObject({ code: 'outside-root' });
    await symlink(join(import.meta.dirname, '..', '..', 'examples', 'plugin', 'index.ts'), join(folder, 'link.ts'));
    await expect(loadPlugins(['./link.ts'], folder, builtIn)).rejects.toMatchObject({ code: 'outside-root' });
    await expect(loadPlugins(['no-such-package-here'], folder, builtIn)).rejects.toMatchObject({ code: 'bad-config' });
  });
});
