import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ProblemsError } from '../../../errors.ts';
import { readRegularFile } from '../../../read-file.ts';
import { compareBy } from '../../../util/compare.ts';
import { errorCode } from '../../../util/text.ts';
import { backlogFolders, type BacklogFolder, findFolder, foldersInFlow, peopleFolder, realPath } from './folders.ts';
import { parseTask, type TaskValues } from './task-file.ts';

/** One task file of the swarm-manager. */
export interface BacklogEntry {
  /** The `id` in the file, else the file's name without extension. */
  readonly id: string;
  readonly folder: BacklogFolder;
  /** Below the tasks folder, with forward slashes. */
  readonly path: string;
  /** The file's name without extension. */
  readonly name: string;
  /** Undefined if the file cannot be read; a note says why. The task still counts as existing. */
  readonly values: TaskValues | undefined;
}

/** A warning about a task file, such as invalid YAML. */
export interface BacklogNote {
  /** Below the tasks folder, with forward slashes. */
  readonly path: string;
  readonly message: string;
}

export interface Backlog {
  /** By folder in the order of `backlogFolders`, then those left to people; each by name. */
  readonly entries: readonly BacklogEntry[];
  readonly notes: readonly BacklogNote[];
}

/** In bytes. */
export const largestTaskFile = 1_048_576;

/**
 * Reads the six folders and that of people; missing ones are empty. A file that is broken, larger than 1 MiB or a link is noted instead of
 * read, and its task gets the file's name.
 * @throws ProblemsError `outside-root`: a folder is a link out of the tasks folder; `file-unreadable`: it cannot be listed.
 */
export async function readBacklog(tasksDir: string): Promise<Backlog> {
  const root = await realPath(tasksDir);
  const entries: BacklogEntry[] = [];
  const notes: BacklogNote[] = [];
  if (root === undefined) return { entries, notes };
  for (const folder of foldersInFlow) {
    const real = await findFolder(root, folder);
    if (real === undefined) continue;
    for (const file of await taskFiles(real, folder)) {
      const path = `${folder}/${file.name}`;
      const name = file.name.replace(/\.ya?ml$/i, '');
      const result = await readTask(join(real, file.name), file.regular);
      // It has been moved since the folder was listed, and is found where it is now.
      if (result === undefined) continue;
      if (result.fault !== undefined) notes.push({ path, message: result.fault });
      entries.push({ id: result.id ?? name, folder, path, name, values: result.values });
    }
  }
  const order: readonly string[] = [...backlogFolders, peopleFolder];
  return { entries: entries.toSorted((a, b) => order.indexOf(a.folder) - order.indexOf(b.folder)), notes };
}

async function taskFiles(
  real: string,
  folder: string,
): Promise<readonly { readonly name: string; readonly regular: boolean }[]> {
  try {
    const files = await readdir(real, { withFileTypes: true });
    return files
      .filter(({ name }) => /\.ya?ml$/i.test(name))
      .map((file) => ({ name: file.name, regular: file.isFile() }))
      .toSorted(compareBy(({ name }) => name));
  } catch (cause) {
    throw new ProblemsError('file-unreadable', `${folder} of the tasks folder cannot be listed.`, { cause });
  }
}

interface ReadTask {
  readonly id: string | undefined;
  readonly values: TaskValues | undefined;
  readonly fault: string | undefined;
}

/** Undefined if the file does not exist. */
async function readTask(path: string, regular: boolean): Promise<ReadTask | undefined> {
  const notRegular = unread('It is not a regular file; ignored.');
  if (!regular) return notRegular;
  let text: string | undefined;
  try {
    const read = readRegularFile(path, { most: largestTaskFile, followLink: false });
    if (read.type === 'refused') return notRegular;
    if (!read.isWhole) return unread('It is larger than 1 MiB; ignored.');
    text = read.bytes.toString('utf8');
    const values = await parseTask(text);
    return { id: idOf(values['id']), values, fault: undefined };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    const [reason = ''] = error instanceof Error ? error.message.split('\n') : [];
    // The swarm-manager's command line finds a broken file by this line too.
    const id = idOf(/^id:[ \t]*["']?([^\s"'#]+)/m.exec(text ?? '')?.[1]);
    return { ...unread(`It cannot be parsed and is left unchanged: ${reason}`), id };
  }
}

function unread(fault: string): ReadTask {
  return { id: undefined, values: undefined, fault };
}

function idOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
