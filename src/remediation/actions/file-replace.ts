import { hash } from 'node:crypto';
import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Action, ReadonlyHost } from '../contract.ts';
import { operations } from '../operations.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const params = z.strictObject({
  path: z.string(),
  /** Hashes of the text before and after: they show whether the step took effect, or another program edited the file. */
  from: sha256,
  to: sha256,
  /** By position in the text, in order, without overlaps. Only the changed characters, so that plans contain no secret. */
  edits: z.array(z.strictObject({ at: z.int().nonnegative(), before: z.string(), after: z.string() })).min(1),
});
const before = z.strictObject({ text: z.string() });

export const fileReplace: Action<z.output<typeof params>, z.output<typeof before>> = {
  name: 'file.replace',
  description: 'Edits a text file atomically: temporary file, fsync, rename. The old text is kept in the journal.',
  params,
  undoState: before,
  operation: operations['update-dependant-file'],
  describe: ({ path, edits }) => `change ${edits.length === 1 ? 'one place' : `${edits.length} places`} in ${path}`,
  async effect({ path, edits }) {
    return edits.map((edit) => ({ object: `${path} at ${edit.at}`, before: edit.before, after: edit.after }));
  },
  async prepare(wanted, host) {
    const text = await textOf(host, wanted.path);
    const found = hash('sha256', text);
    if (found === wanted.from) {
      if (hash('sha256', edited(text, wanted)) !== wanted.to)
        throw new ProblemsError('step-refused', `The edits of ${wanted.path} do not give the planned text.`);
    } else if (found !== wanted.to) throw changed(wanted.path);
    return { text };
  },
  async isDone({ path, to }, host) {
    return (await host.files.read(path))?.sha256 === to;
  },
  async apply(wanted, host) {
    const text = await textOf(host, wanted.path);
    const found = hash('sha256', text);
    if (found === wanted.to) return;
    if (found !== wanted.from) throw changed(wanted.path);
    await host.change.files.replace(wanted.path, edited(text, wanted), { sha256: wanted.from });
  },
  async undo({ path, to }, { text }, host) {
    const now = hash('sha256', await textOf(host, path));
    if (now === hash('sha256', text)) return;
    if (now !== to) throw changed(path);
    await host.change.files.replace(path, text, { sha256: to });
  },
  async isUndone({ path }, { text }, host) {
    return (await host.files.read(path))?.sha256 === hash('sha256', text);
  },
};

function edited(text: string, { path, edits }: z.output<typeof params>): string {
  let result = '';
  let position = 0;
  for (const edit of edits) {
    if (edit.at < position || text.slice(edit.at, edit.at + edit.before.length) !== edit.before) throw changed(path);
    result += text.slice(position, edit.at) + edit.after;
    position = edit.at + edit.before.length;
  }
  return result + text.slice(position);
}

async function textOf(host: ReadonlyHost, path: string): Promise<string> {
  const file = await host.files.read(path);
  if (file === undefined) throw new ProblemsError('step-refused', `File ${path} does not exist.`);
  return file.text;
}

function changed(path: string): ProblemsError {
  return new ProblemsError('step-refused', `${path} was changed by another program and is left unchanged.`);
}
