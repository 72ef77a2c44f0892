import type { Action } from 'problem-registry/remediation';
import { z } from 'zod';

const params = z.object({ path: z.string(), text: z.string().max(1_000) });
const undoState = z.object({ text: z.string().nullable() });

/** Writes a small file. */
export const writeNote: Action<z.output<typeof params>, z.output<typeof undoState>> = {
  name: 'note.write',
  description: 'Writes a note next to an instance.',
  params,
  undoState,
  operation: { name: 'write-note', floor: 'auto', description: 'a note next to an instance' },
  describe: ({ path }) => `write ${path}`,
  async effect({ path, text }, host) {
    return [{ object: path, before: (await host.files.read(path))?.text ?? 'no file', after: text }];
  },
  async prepare({ path }, host) {
    return { text: (await host.files.read(path))?.text ?? null };
  },
  async isDone({ path, text }, host) {
    return (await host.files.read(path))?.text === text;
  },
  async apply({ path, text }, host) {
    const now = await host.files.read(path);
    if (now?.text !== text) await host.change.files.replace(path, text, { sha256: now?.sha256 });
  },
  async undo({ path, text }, before, host) {
    const now = await host.files.read(path);
    // If someone has changed the note since, it is theirs.
    if (now === undefined || now.text !== text || now.text === before.text) return;
    if (before.text === null) await host.change.files.remove(path, { sha256: now.sha256 });
    else await host.change.files.replace(path, before.text, { sha256: now.sha256 });
  },
  async isUndone({ path, text }, before, host) {
    const now = (await host.files.read(path))?.text ?? null;
    return now === before.text || now !== text;
  },
};
