import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Action } from '../../src/app/remediation.ts';
import { checkAction, createTestHost } from '../../src/testing/index.ts';

const params = z.object({ path: z.string(), text: z.string() });
const undoState = z.object({ text: z.string().nullable() });

/** Writes a file: a sound action. */
const writeNote: Action<z.output<typeof params>, z.output<typeof undoState>> = {
  name: 'note.write',
  description: 'Writes a note.',
  params,
  undoState,
  operation: { name: 'write-note', floor: 'auto', description: 'a note' },
  describe: ({ path }) => `write ${path}`,
  effect: async ({ path, text }) => [{ object: path, before: 'no file', after: text }],
  prepare: async ({ path }, host) => ({ text: (await host.files.read(path))?.text ?? null }),
  isDone: async ({ path, text }, host) => (await host.files.read(path))?.text === text,
  async apply({ path, text }, host) {
    const now = await host.files.read(path);
    if (now?.text !== text) await host.change.files.replace(path, text, { sha256: now?.sha256 });
  },
  async undo({ path, text }, before, host) {
    const now = await host.files.read(path);
    if (now === undefined || now.text !== text) return;
    if (before.text === null) await host.change.files.remove(path, { sha256: now.sha256 });
    else await host.change.files.replace(path, before.text, { sha256: now.sha256 });
  },
  isUndone: async ({ path }, before, host) => ((await host.files.read(path))?.text ?? null) === before.text,
};

const path = '/project/NOTE';

async function faultsOf(
  action: Partial<typeof writeNote>,
  files: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { acting, world } = createTestHost({ files });
  const check = checkAction({ ...writeNote, ...action }, { params: { path, text: 'new' }, host: acting, world });
  return check.then(
    () => 'none',
    (error: unknown) => String(error),
  );
}

describe('checkAction', () => {
  it.each([[{}], [{ [path]: 'old' }]])(
    'accepts an action that keeps every promise, with the files %j',
    async (files) => {
      expect(await faultsOf({}, files)).toBe('none');
    },
  );

  it('names a broken promise, with the observation', async () => {
    expect(await faultsOf({ undo: async () => undefined })).toBe(
      'AssertionError [ERR_ASSERTION]: note.write breaks its contract:\n' +
        '- is undone: `isUndone` is true after `undo`, but it is false\n' +
        '- undo restores: `undo` brings back what was there before, but the world is {"files":{"/project/NOTE":"new"},"containers":[]} instead of {"files":{},"containers":[]}\n' +
        '- undone twice equals once: a second `undo` changes nothing more, but the world is {"files":{"/project/NOTE":"new"},"containers":[]} instead of {"files":{},"containers":[]}',
    );
  });

  it('reports an action that is not convergent', async () => {
    const appended = await faultsOf({
      async apply(wanted, host) {
        const now = await host.files.read(wanted.path);
        await host.change.files.replace(wanted.path, `${now?.text ?? ''}${wanted.text}`, { sha256: now?.sha256 });
      },
    });
    expect(appended).toContain('- applied twice equals once: ');
  });

  it('reports a preparation that changes something', async () => {
    const { acting } = createTestHost();
    expect(
      await faultsOf({
        async prepare(wanted) {
          await acting.change.files.replace('/project/other', 'x', { sha256: undefined });
          return { text: wanted.text };
        },
      }),
    ).toContain('- undo restores: ');
  });

  it('reports an action that cannot be undone after a kill between two changes', async () => {
    const marker = '/project/MARKER';
    const twoFiles: Partial<typeof writeNote> = {
      async apply(wanted, host) {
        const mark = await host.files.read(marker);
        if (mark === undefined) await host.change.files.replace(marker, 'begun', { sha256: undefined });
        await writeNote.apply(wanted, host);
      },
      async undo(wanted, before, host) {
        // Wrong: without the note it assumes that there is no marker either.
        if ((await host.files.read(wanted.path)) === undefined) return;
        const mark = await host.files.read(marker);
        if (mark !== undefined) await host.change.files.remove(marker, { sha256: mark.sha256 });
        await writeNote.undo?.(wanted, before, host);
      },
    };
    const faults = await faultsOf(twoFiles);
    expect(faults).toContain('- undoes after being killed: ');
    expect(faults).toContain('apply was killed after 1 change, and the world is {"files":{"/project/MARKER":"begun"}');
    expect(faults).not.toContain('undo restores');
  });

  it('refuses parameters and undo states that do not fit', async () => {
    const { acting, world } = createTestHost();
    await expect(checkAction(writeNote, { params: { path }, host: acting, world })).rejects.toThrow(
      '`params` of note.write does not fit its schema: text: ',
    );
  });

  it('accepts a broken promise that is excepted, and refuses the exception if the promise is kept', async () => {
    const { acting, world } = createTestHost();
    const scenario = { params: { path, text: 'new' }, host: acting, world } as const;
    await expect(checkAction(writeNote, { ...scenario, except: ['undo restores'] })).rejects.toThrow(
      '- undo restores is listed under `except`, but the action keeps this promise',
    );
    const kept: Action<z.output<typeof params>, z.output<typeof undoState>> = {
      ...writeNote,
      undo: async () => undefined,
    };
    await checkAction(kept, { ...scenario, except: ['is undone', 'undo restores', 'undone twice equals once'] });
  });
});
