import { mkdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { ProblemsError } from '../../errors.ts';

/** The swarm-manager's folders below its tasks folder. Where a task's file lies is how far it has come. */
export const backlogFolders = [
  'active',
  'backlog/manual',
  'backlog/generated',
  'staged',
  'completed',
  'failed',
] as const;
export type BacklogFolder = (typeof backlogFolders)[number];

/** Where new tasks are written. */
export const generatedFolder = 'backlog/generated' satisfies BacklogFolder;

/** The real path of a folder below `root`, itself a real path; undefined where it does not exist. */
export async function findFolder(root: string, folder: string): Promise<string | undefined> {
  const real = await realPath(join(root, folder));
  if (real !== undefined && real !== root && !real.startsWith(root.endsWith(sep) ? root : root + sep)) {
    throw new ProblemsError('outside-root', `${folder} of the tasks folder is a link that leads out of it.`, {
      hint: 'Make it a folder of its own, or name the tasks folder that it leads to.',
    });
  }
  return real;
}

/** The real path of the folder for generated tasks. What does not exist is made, one level after the other. */
export async function makeGeneratedFolder(root: string): Promise<string> {
  let made = root;
  let so = '';
  for (const part of generatedFolder.split('/')) {
    so = so === '' ? part : `${so}/${part}`;
    if ((await findFolder(root, so)) === undefined) await mkdir(join(made, part));
    made = (await findFolder(root, so)) ?? join(made, part);
  }
  return made;
}

/**
 * The real path, or undefined where nothing stands there.
 * @throws ProblemsError `file-unreadable`: it cannot be looked at, as below a file.
 */
export async function realPath(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    if (code === 'ENOENT') return undefined;
    const why = code === 'ENOTDIR' ? 'a part of its path is a file' : `the system says ${code}`;
    throw new ProblemsError('file-unreadable', `${path} cannot be a folder of tasks: ${why}.`, { cause });
  }
}
