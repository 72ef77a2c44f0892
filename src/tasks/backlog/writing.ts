import { mkdir, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ProblemsError } from '../../errors.ts';
import { computePriority, defaultPrioritySettings, instantOf, type PrioritySettings } from '../../priority/index.ts';
import type { Task } from '../types.ts';
import { attemptsIn, attemptsOf, finishedAt } from './attempts.ts';
import { generatedFolder, makeGeneratedFolder } from './folders.ts';
import { type BacklogEntry, type BacklogNote, readBacklog } from './reading.ts';
import { changedTaskFile, newTaskFile } from './task-file.ts';
import { formatTask, type TaskValues } from './yaml.ts';

export interface WriteBacklogOptions {
  /** Becomes `created_at`, and the cooldown is counted to it. */
  readonly now: Date;
  /** Default: the published scales and weights. */
  readonly priority?: PrioritySettings;
}

/** What became of one task. Paths are below the tasks folder, with forward slashes. */
export interface BacklogChange {
  readonly id: string;
  /**
   * `new`: its first file. `returned`: it was completed or failed, and the problem has occurred since. `updated`: its
   * generated file said something else. `unchanged`: it did not. `standing`: its file is somebody else's now.
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
 * Writes tasks to `backlog/generated`, one file each, by the rules of docs/tasks.md: a task that stands in any of the
 * six folders is not written again, and a finished one comes back only when its problem occurred after it. Each file is
 * written beside its place, synced and renamed; nothing is ever removed.
 * @throws ProblemsError `outside-root`: a folder is a link out of the tasks folder; `file-unreadable` and
 * `file-unwritable`: a folder cannot be listed or made, a file not written; `bad-usage`: a task's id is no file name.
 */
export async function writeBacklog(
  tasksDir: string,
  tasks: readonly Task[],
  { now, priority = defaultPrioritySettings }: WriteBacklogOptions,
): Promise<BacklogResult> {
  for (const { id } of tasks) {
    if (!/^[a-z0-9-]{1,100}$/.test(id))
      throw new ProblemsError('bad-usage', `The task id ${JSON.stringify(id)} is no file name.`);
  }
  const { root, generated } = await openFolders(tasksDir);
  const backlog = await readBacklog(root);
  const attempts = attemptsIn(backlog, now);
  const entriesOf = indexEntries(backlog.entries);
  const notes = [...backlog.notes];
  const changes: BacklogChange[] = [];
  for (const task of tasks) {
    const score = computePriority(task.estimates, attempts.get(task.id), priority).score;
    const { change, path, values, note } = decide(task, entriesOf(task.id), score, now);
    if (note !== undefined) notes.push({ path, message: note });
    if (values !== undefined) await writeTask(join(generated, basename(path)), path, values);
    changes.push({ id: task.id, change, path });
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
    throw new ProblemsError('file-unwritable', `The folder ${generatedFolder} of the tasks folder cannot be made.`, {
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

interface Decision extends Omit<BacklogChange, 'id'> {
  /** What is to be written. */
  readonly values?: TaskValues;
  readonly note?: string;
}

function decide(task: Task, entries: readonly BacklogEntry[], score: number, now: Date): Decision {
  const finished = entries.filter(({ folder }) => folder === 'completed' || folder === 'failed');
  const generated = entries.filter(({ folder }) => folder === generatedFolder);
  const taken = entries.find((entry) => !finished.includes(entry) && !generated.includes(entry));
  if (taken !== undefined) return { change: 'standing', path: taken.path };
  const own = generated.find(({ id, name, values }) => values !== undefined && id === task.id && name === task.id);
  if (own?.values !== undefined) {
    const values = changedTaskFile(own.values, task, score);
    return values === undefined
      ? { change: 'unchanged', path: own.path }
      : { change: 'updated', path: own.path, values };
  }
  const [foreign] = generated;
  if (foreign !== undefined) return { change: 'standing', path: foreign.path };
  return decideFinished(task, finished, score, now);
}

function decideFinished(task: Task, finished: readonly BacklogEntry[], score: number, now: Date): Decision {
  const path = `${generatedFolder}/${task.id}.yaml`;
  const undated = finished.find((entry) => finishedAt(entry) === undefined);
  if (undated !== undefined) {
    const note = 'It does not say when it was finished, so its task does not come back.';
    return { change: 'standing', path: undated.path, ...(undated.values === undefined ? {} : { note }) };
  }
  const latest = finished.toSorted((a, b) => (finishedAt(b) ?? 0) - (finishedAt(a) ?? 0)).at(0);
  if (latest === undefined) return { change: 'new', path, values: newTaskFile(task, score, { now, attempts: [] }) };
  const occurred = instantOf(task.lastOccurrence);
  if (occurred === undefined || occurred <= (finishedAt(latest) ?? 0)) return { change: 'standing', path: latest.path };
  return { change: 'returned', path, values: newTaskFile(task, score, { now, attempts: attemptsOf(latest) }) };
}

async function writeTask(file: string, path: string, values: TaskValues): Promise<void> {
  const [{ default: writeFileAtomic }, text] = await Promise.all([import('write-file-atomic'), formatTask(values)]);
  try {
    await writeFileAtomic(file, text, { encoding: 'utf8', fsync: true });
  } catch (cause) {
    throw new ProblemsError('file-unwritable', `${path} of the tasks folder cannot be written.`, { cause });
  }
}
