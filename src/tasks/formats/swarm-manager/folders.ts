import { lstat, mkdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { ProblemsError } from '../../../errors.ts';

/** The swarm-manager's folders below its tasks folder. The folder of a task's file is its state. */
export const backlogFolders = [
  'active',
  'backlog/manual',
  'backlog/generated',
  'staged',
  'completed',
  'failed',
] as const;

/** Where new tasks are written. */
export const generatedFolder = 'backlog/generated' satisfies BacklogFolder;

/**
 * Where new tasks are written that are left to people. The swarm-manager hands every task of its own folders to an agent,
 * whatever the file says, and does not read this one.
 */
export const peopleFolder = 'backlog/people';

export type BacklogFolder = (typeof backlogFolders)[number] | typeof peopleFolder;

/**
 * Every folder in the order in which tasks pass through them: a task that is moved while they are listed in this order is
 * seen at least once.
 */
export const foldersInFlow = [
  'backlog/manual',
  'backlog/generated',
  peopleFolder,
  'staged',
  'active',
  'completed',
  'failed',
] as const satisfies readonly BacklogFolder[];

/** The real path of a folder below `root`, itself a real path; undefined if it does not exist. */
export async function findFolder(root: string, folder: string): Promise<string | undefined> {
  const real = await realPath(join(root, folder));
  if (real !== undefined && real !== root && !real.startsWith(root.endsWith(sep) ? root : root + sep)) {
    throw new ProblemsError('outside-root', `${folder} is outside the tasks folder (via a symbolic link).`, {
      hint: 'Make it a real folder, or use the tasks folder that the link points to.',
    });
  }
  return real;
}

/** Creates every folder that is missing: the swarm-manager stages nothing if one is. */
export async function makeFolders(root: string): Promise<void> {
  for (const folder of foldersInFlow) {
    let made = root;
    let so = '';
    for (const part of folder.split('/')) {
      so = so === '' ? part : `${so}/${part}`;
      if ((await findFolder(root, so)) === undefined) await mkdir(join(made, part), { recursive: true });
      made = (await findFolder(root, so)) ?? join(made, part);
    }
  }
}

/** Where a task has a file under its name right now, in the order of `foldersInFlow`. */
export async function placesOf(root: string, id: string): Promise<readonly string[]> {
  const places: string[] = [];
  for (const folder of foldersInFlow) {
    for (const path of [`${folder}/${id}.yaml`, `${folder}/${id}.yml`]) {
      if (await exists(join(root, path))) places.push(path);
    }
  }
  return places;
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * The real path, or undefined if it does not exist.
 * @throws ProblemsError `file-unreadable`: it cannot be read, such as a path below a file.
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
