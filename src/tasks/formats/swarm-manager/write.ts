import { mkdir, realpath, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ProblemsError } from '../../../errors.ts';
import { computePriority, defaultPrioritySettings, type PrioritySettings } from '../../../priority/index.ts';
import { readRegularFile } from '../../../read-file.ts';
import type { Task } from '../../types.ts';
import { errorCode } from '../../../util/text.ts';
import { attemptsIn } from './attempts.ts';
import { type BacklogChange, decide, type Decision, type Standing } from './decide.ts';
import { copyEntry, editTask } from './edit.ts';
import { makeFolders, placesOf } from './folders.ts';
import { type BacklogEntry, type BacklogNote, largestTaskFile, readBacklog } from './read.ts';
import { changesOf, formatTask, parseTask, type TaskValues } from './task-file.ts';
import { obsolete, type ScannedProblems, withdrawnValues } from './withdraw.ts';

export type { BacklogChange } from './decide.ts';
export type { ScannedProblems } from './withdraw.ts';

export interface WriteBacklogOptions {
  /** Becomes `created_at`, and the cooldown is counted to it. */
  readonly now: Date;
  /** Default: the published scales and weights. */
  readonly priority?: PrioritySettings;
  /** What was scanned, to withdraw tasks whose problem is resolved. Default: none is withdrawn. */
  readonly scanned?: ScannedProblems;
  /** Whether a task is written where people look, and agents do not. Default: those whose automation is `human`. */
  readonly isForPeople?: (task: Task) => boolean;
  /** Whether a task returns whatever its finished files say, since something else keeps its state. Default: none does. */
  readonly isOpen?: (task: Task) => boolean;
}

export interface BacklogResult {
  /** In the order of the tasks; then those that were withdrawn, in the order of their paths. */
  readonly changes: readonly BacklogChange[];
  readonly notes: readonly BacklogNote[];
}

/**
 * Writes tasks to `backlog/generated`, and those left to people to `backlog/people`, one file each, by the rules of
 * docs/tasks.md: a task in any folder is not written again, and a finished one returns only if its problem has occurred
 * since. Creates the folders that are missing. Each file is written to a temporary name, synced and renamed, after another
 * look at where the task is. A generated task whose problem is resolved moves to `completed`.
 * @throws ProblemsError `outside-root`: a folder is a link out of the tasks folder; `file-unreadable` and
 * `file-unwritable`: a folder cannot be listed or created, a file cannot be written; `bad-usage`: a task's id is not a file name.
 */
export async function writeBacklog(
  tasksDir: string,
  tasks: readonly Task[],
  { now, priority = defaultPrioritySettings, scanned, ...who }: WriteBacklogOptions,
): Promise<BacklogResult> {
  const { isForPeople = ({ automation }) => automation === 'human', isOpen = () => false } = who;
  for (const { id } of tasks) {
    if (!/^[a-z0-9-]{1,100}$/.test(id))
      throw new ProblemsError('bad-usage', `The task id ${JSON.stringify(id)} is not a valid file name.`);
  }
  const root = await openFolders(tasksDir);
  const backlog = await readBacklog(root);
  const attempts = attemptsIn(backlog, now);
  const entriesOf = indexEntries(backlog.entries);
  const notes = [...backlog.notes];
  const changes: BacklogChange[] = [];
  for (const task of tasks) {
    // What was learned about a task is in its score already.
    const isLearned = priority?.profile === 'learned';
    const score = isLearned
      ? task.priority.score
      : computePriority(task.estimates, attempts.get(task.id), priority).score;
    const standing = { score, now, isForPeople: isForPeople(task), isOpen: isOpen(task) };
    const decision = decide(task, entriesOf(task.id), standing);
    const { note, path, change } = await carriedOut(root, task, decision, standing, entriesOf(task.id));
    if (note !== undefined) notes.push({ path, message: note });
    changes.push({ id: task.id, change, path });
  }
  for (const { entry, isTaken } of scanned === undefined ? [] : obsolete(backlog.entries, scanned)) {
    const why = scanned?.why ?? 'Its problem is resolved.';
    if (isTaken)
      notes.push({ path: entry.path, message: `${why.replace(/\.$/, '')}, but someone has taken the task.` });
    else if (await withdraw(root, entry, now, why))
      changes.push({ id: entry.id, change: 'withdrawn', path: `completed/${basename(entry.path)}` });
    else notes.push({ path: entry.path, message: `${why} ${unchangeable}` });
  }
  return { changes, notes };
}

async function openFolders(tasksDir: string): Promise<string> {
  try {
    await mkdir(tasksDir, { recursive: true });
    const root = await realpath(tasksDir);
    await makeFolders(root);
    return root;
  } catch (cause) {
    if (cause instanceof ProblemsError) throw cause;
    throw new ProblemsError('file-unwritable', 'The folders of the tasks folder cannot be created.', { cause });
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

const unchangeable = 'Its YAML cannot be edited without changing other keys, so it is left unchanged.';

/** Writes what was decided, unless the task was moved meanwhile: then it belongs to whoever moved it. */
async function carriedOut(
  root: string,
  task: Task,
  { write, ...decision }: Decision,
  standing: Standing,
  entries: readonly BacklogEntry[],
): Promise<Omit<Decision, 'write'>> {
  if (write === undefined) return decision;
  const text = write.kind === 'new' ? await newText(write, root) : await changedText(root, write.path, task, standing);
  const known = new Set(entries.map(({ path }) => path));
  const places = await placesOf(root, task.id);
  const moved = places.find((place) => !known.has(place));
  if (moved !== undefined) return { change: 'standing', path: moved };
  if (write.kind === 'changed' && !places.includes(write.path)) return { change: 'standing', path: write.path };
  if (text === undefined) return { change: 'standing', path: decision.path, note: unchangeable };
  await writeTask(root, decision.path, text);
  if (write.kind === 'changed' && write.path !== decision.path) await removeFile(root, write.path);
  // Someone may have taken the task between the look and the write: then the file just written is a second one.
  const second = (await placesOf(root, task.id)).find((place) => place !== decision.path && !known.has(place));
  if (second === undefined) return decision;
  await removeFile(root, decision.path);
  return { change: 'standing', path: second };
}

async function newText(
  { values, attemptsFrom }: Extract<NonNullable<Decision['write']>, { readonly kind: 'new' }>,
  root: string,
): Promise<string> {
  const text = await formatTask(values);
  const from = attemptsFrom === undefined ? undefined : await readTaskFile(root, attemptsFrom);
  return from === undefined ? text : copyEntry(text, 'attempts', from);
}

/** From the file as it is now. Undefined if it is gone, or cannot be changed in place. */
async function changedText(
  root: string,
  path: string,
  task: Task,
  { score, isForPeople }: Standing,
): Promise<string | undefined> {
  const text = await readTaskFile(root, path);
  const values = text === undefined ? undefined : await valuesIn(text);
  return text === undefined || values === undefined
    ? undefined
    : editTask(text, changesOf(values, task, score, isForPeople));
}

/** Undefined if it is not a task any more. */
async function valuesIn(text: string): Promise<TaskValues | undefined> {
  try {
    return await parseTask(text);
  } catch {
    return undefined;
  }
}

/** Moves a file to `completed`. Returns false if it cannot be changed; true also if someone else has moved it. */
async function withdraw(root: string, { path }: BacklogEntry, now: Date, why: string): Promise<boolean> {
  const before = await readTaskFile(root, path);
  if (before === undefined) return true;
  const values = await valuesIn(before);
  const text = values === undefined ? undefined : await editTask(before, withdrawnValues(values, now, why));
  if (text === undefined) return false;
  await writeTask(root, `completed/${basename(path)}`, text);
  await removeFile(root, path);
  return true;
}

/** Undefined if it does not exist. */
async function readTaskFile(root: string, path: string): Promise<string | undefined> {
  try {
    const read = readRegularFile(join(root, path), { most: largestTaskFile, followLink: false });
    if (read.type === 'read' && read.isWhole) return read.bytes.toString('utf8');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw new ProblemsError('file-unreadable', `${path} of the tasks folder cannot be read.`, { cause });
  }
  throw new ProblemsError('file-unreadable', `${path} of the tasks folder is not a regular file of at most 1 MiB.`);
}

async function writeTask(root: string, path: string, text: string): Promise<void> {
  const { default: writeFileAtomic } = await import('write-file-atomic');
  try {
    await writeFileAtomic(join(root, path), text, { encoding: 'utf8', fsync: true });
  } catch (cause) {
    throw new ProblemsError('file-unwritable', `${path} of the tasks folder cannot be written.`, { cause });
  }
}

async function removeFile(root: string, path: string): Promise<void> {
  try {
    await unlink(join(root, path));
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return;
    throw new ProblemsError('file-unwritable', `${path} of the tasks folder cannot be removed.`, { cause });
  }
}
