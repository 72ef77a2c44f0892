import { hash } from 'node:crypto';
import { z } from 'zod';
import { withEdits } from '../../compose/document.ts';
import { ProblemsError } from '../../errors.ts';
import type { Action, Host, ReadonlyHost } from '../contract.ts';
import { operations } from '../operations.ts';

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** By position in the text, in order, without overlaps. Only the changed characters, so that plans contain no secret. */
export const textEdits = z
  .array(z.strictObject({ at: z.int().nonnegative(), before: z.string(), after: z.string() }))
  .min(1);

const params = z.strictObject({
  path: z.string(),
  from: sha256,
  to: sha256,
  edits: textEdits,
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
  prepare: async (wanted, host) => ({ text: await plannedText(wanted, host) }),
  isDone: ({ path, to }, host) => isText(path, to, host),
  apply: applyEdits,
  undo: (wanted, { text }, host) => restoreText(wanted, text, host),
  isUndone: ({ path }, { text }, host) => isText(path, hash('sha256', text), host),
};

/** Planned edits of a text file: applied only to the planned text, and undone only from what they made of it. */
export interface TextChange {
  readonly path: string;
  /** Hashes of the text before and after: they show whether the step took effect, or another program edited the file. */
  readonly from: string;
  readonly to: string;
  readonly edits: z.output<typeof textEdits>;
}

/**
 * The text to keep for undo.
 * @throws ProblemsError `step-refused`: it is neither the planned text nor what the edits make of it.
 */
export async function plannedText(change: TextChange, host: ReadonlyHost): Promise<string> {
  const text = await textOf(host, change.path);
  const found = hash('sha256', text);
  if (found === change.from) {
    if (hash('sha256', edited(text, change)) !== change.to)
      throw new ProblemsError('step-refused', `The edits of ${change.path} do not give the planned text.`);
  } else if (found !== change.to) throw changed(change.path);
  return text;
}

/** Changes nothing if the edits are done. */
export async function applyEdits(change: TextChange, host: Host): Promise<void> {
  const { path, from, to } = change;
  const text = await textOf(host, path);
  const found = hash('sha256', text);
  if (found === to) return;
  if (found !== from) throw changed(path);
  await host.change.files.replace(path, edited(text, change), { sha256: from });
}

/** Changes nothing if the text is there. */
export async function restoreText({ path, to }: TextChange, text: string, host: Host): Promise<void> {
  const now = hash('sha256', await textOf(host, path));
  if (now === hash('sha256', text)) return;
  if (now !== to) throw changed(path);
  await host.change.files.replace(path, text, { sha256: to });
}

export async function isText(path: string, wanted: string, host: ReadonlyHost): Promise<boolean> {
  return (await host.files.read(path))?.sha256 === wanted;
}

/** @throws ProblemsError `step-refused`: the file does not exist. */
export async function textOf(host: ReadonlyHost, path: string): Promise<string> {
  const file = await host.files.read(path);
  if (file === undefined) throw new ProblemsError('step-refused', `File ${path} does not exist.`);
  return file.text;
}

function edited(text: string, { path, edits }: TextChange): string {
  let position = 0;
  for (const { at, before: old } of edits) {
    if (at < position || text.slice(at, at + old.length) !== old) throw changed(path);
    position = at + old.length;
  }
  return withEdits(text, edits);
}

export function changed(path: string): ProblemsError {
  return new ProblemsError('step-refused', `${path} was changed by another program and is left unchanged.`);
}
