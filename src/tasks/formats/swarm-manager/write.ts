import { mkdir, readFile, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ProblemsError } from '../../../errors.ts';
import { computePriority, defaultPrioritySettings, instantOf, type PrioritySettings } from '../../../priority/index.ts';
import type { Task } from '../../types.ts';
import { attemptsIn, attemptsOf, finishedAt } from './attempts.ts';
import { copyEntry, editTask } from './edit.ts';
import { type BacklogEntry, type BacklogNote, generatedFolder, makeGeneratedFolder, readBacklog } from './read.ts';
import { changesOf, formatTask, newTaskFile, type TaskValues } from './task-file.ts';

export interface WriteBacklogOptions {
  /** Becomes `created_at`, and the cooldown is counted to it. */
  readonly now: Date;
  /** Default: the published scales and weights. */
  readonly priority?: PrioritySettings;
}

/** The result for one task. Paths are below the tasks folder, with forward slashes. */
export interface BacklogChange {
  readonly id: string;
  /**
   * `new`: its first file. `returned`: it was completed or failed, and the problem has occurred since. `updated`: its
   * generated file differed. `unchanged`: it did not. `standing`: its file now belongs to someone else.
   */
  readonly change: 'new' | 'returned' | 'updated' | 'unchanged' | 'standing';
  readonly path: string;
}

export interface BacklogResult {
  /** In the order of the tasks. */
  readonly changes: readonly BacklogChange[];
  readonly notes: readonly BacklogNote[];
}

/**
 * Writes tasks to `backlog/generated`, one file each, by the rules of docs/tasks.md: a task in any of the six folders is
 * not written again, and a finished one returns only if its problem has occurred since. Files are written to a temporary
 * name, synced and renamed; nothing is ever removed.
 * @throws ProblemsError `outside-root`: a folder is a link out of the tasks folder; `file-unreadable` and
 * `file-unwritable`: a folder cannot be listed or created, a file cannot be written; `bad-usage`: a task's id is not a file name.
 */
export async function writeBacklog(
  tasksDir: string,
  tasks: readonly Task[],
  { now, priority = defaultPrioritySettings }: WriteBacklogOptions,
): Promise<BacklogResult> {
  for (const { id } of tasks) {
    if (!/^[a-z0-9-]{1,100}$/.test(id))
      throw new ProblemsError('bad-usage', `The task id ${JSON.stringify(id)} is not a valid file name.`);
  }
  const { root, generated } = await openFolders(tasksDir);
  const backlog = await readBacklog(root);
  const attempts = attemptsIn(backlog, now);
  const entriesOf = indexEntries(backlog.entries);
  const notes = [...backlog.notes];
  const changes: BacklogChange[] = [];
  for (const task of tasks) {
    const score = computePriority(task.estimates, attempts.get(task.id), priority).score;
    const { change, path, note, write } = decide(task, entriesOf(task.id), score, now);
    if (note !== undefined) notes.push({ path, message: note });
    const text = write === undefined ? undefined : await textOf(write, root);
    if (text !== undefined) await writeTask(join(generated, basename(path)), path, text);
    else if (write !== undefined) notes.push({ path, message: unchangeable });
    changes.push({ id: task.id, change: write !== undefined && text === undefined ? 'standing' : change, path });
  }
  return { changes, notes };
}

async function openFolders(tasksDir: string): Promise<{ readonly root: string; readonly generated: string }> {
  try {
    await mkdir(tasksDir, { recursive: true });
    const root = await realpath(tasksDir);
    return { root, generated: await makeGeneratedFolder(root) };
  } catch (cause) {
    if (cause instanceof ProblemsError) throw cause;
    throw new ProblemsError('file-unwritable', `The folder ${generatedFolder} of the tasks folder cannot be created.`, {
      cause,
    });
  }
}

/** A task is found by the id in its file and by the file's name. */
function indexEntries(entries: readonly BacklogEntry[]): (id: string) => readonly BacklogEntry[] {
  const index = new Map<string, Set<BacklogEntry>>();
  for (const entry of entries) {
    for (const key of [entry.id, entry.name]) {
      const known = index.get(key);
      if (known === undefined) index.set(key, new Set([entry]));
      else known.add(entry);
    }
  }
  return (id) => [...(index.get(id) ?? [])];
}

/** What to write: a new file, with the attempts of another file as written there, or changes to a file. */
type Write =
  | { readonly kind: 'new'; readonly values: TaskValues; readonly attemptsFrom?: string }
  | { readonly kind: 'changed'; readonly path: string; readonly changes: TaskValues };

interface Decision extends Omit<BacklogChange, 'id'> {
  readonly write?: Write;
  readonly note?: string;
}

const unchangeable = 'Its YAML cannot be edited without changing other keys, so it is left unchanged.';

function decide(task: Task, entries: readonly BacklogEntry[], score: number, now: Date): Decision {
  const finished = entries.filter(({ folder }) => folder === 'completed' || folder === 'failed');
  const generated = entries.filter(({ folder }) => folder === generatedFolder);
  const taken = entries.find((entry) => !finished.includes(entry) && !generated.includes(entry));
  if (taken !== undefined) return { change: 'standing', path: taken.path };
  const own = generated.find(({ id, name, values }) => values !== undefined && id === task.id && name === task.id);
  if (own?.values !== undefined) {
    const changes = changesOf(own.values, task, score);
    return Object.keys(changes).length === 0
      ? { change: 'unchanged', path: own.path }
      : { change: 'updated', path: own.path, write: { kind: 'changed', path: own.path, changes } };
  }
  const [foreign] = generated;
  if (foreign !== undefined) return { change: 'standing', path: foreign.path };
  return decideFinished(task, finished, score, now);
}

function decideFinished(task: Task, finished: readonly BacklogEntry[], score: number, now: Date): Decision {
  const path = `${generatedFolder}/${task.id}.yaml`;
  const undated = finished.find((entry) => finishedAt(entry) === undefined);
  if (undated !== undefined) {
    const note = 'It has no completion time, so its task does not return.';
    return { change: 'standing', path: undated.path, ...(undated.values === undefined ? {} : { note }) };
  }
  const latest = finished.toSorted((a, b) => (finishedAt(b) ?? 0) - (finishedAt(a) ?? 0)).at(0);
  if (latest === undefined) {
    return { change: 'new', path, write: { kind: 'new', values: newTaskFile(task, score, { now, attempts: [] }) } };
  }
  const occurred = instantOf(task.lastOccurrence);
  if (occurred === undefined || occurred <= (finishedAt(latest) ?? 0)) return { change: 'standing', path: latest.path };
  const values = newTaskFile(task, score, { now, attempts: attemptsOf(latest) });
  return { change: 'returned', path, write: { kind: 'new', values, attemptsFrom: latest.path } };
}

/** Undefined if a file cannot be changed in place. */
async function textOf(write: Write, root: string): Promise<string | undefined> {
  if (write.kind === 'changed') {
    return editTask(await readTaskFile(root, write.path), write.changes);
  }
  const text = await formatTask(write.values);
  return write.attemptsFrom === undefined
    ? text
    : copyEntry(text, 'attempts', await readTaskFile(root, write.attemptsFrom));
}

async function readTaskFile(root: string, path: string): Promise<string> {
  try {
    return await readFile(join(root, path), 'utf8');
  } catch (cause) {
    throw new ProblemsError('file-unreadable', `${path} of the tasks folder cannot be read.`, { cause });
  }
}

async function writeTask(file: string, path: string, text: string): Promise<void> {
  const { default: writeFileAtomic } = await import('write-file-atomic');
  try {
    await writeFileAtomic(file, text, { encoding: 'utf8', fsync: true });
  } catch (cause) {
    throw new ProblemsError('file-unwritable', `${path} of the tasks folder cannot be written.`, { cause });
  }
}
