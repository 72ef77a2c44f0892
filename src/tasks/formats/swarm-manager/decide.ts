import { basename } from 'node:path';
import { instantOf } from '../../../priority/index.ts';
import type { Task } from '../../types.ts';
import { attemptsOf, finishedAt } from './attempts.ts';
import { generatedFolder, peopleFolder } from './folders.ts';
import type { BacklogEntry } from './read.ts';
import { changesOf, newTaskFile, type TaskValues } from './task-file.ts';

/** The result for one task. Paths are below the tasks folder, with forward slashes. */
export interface BacklogChange {
  readonly id: string;
  /**
   * `new`: its first file. `returned`: it was completed or failed, and the problem has occurred since. `updated`: its
   * file differed, or belongs into the other of the two folders for new tasks. `unchanged`: it did not. `standing`: its
   * file now belongs to someone else. `withdrawn`: its problem is resolved, so its file was moved to `completed`.
   */
  readonly change: 'new' | 'returned' | 'updated' | 'unchanged' | 'standing' | 'withdrawn';
  readonly path: string;
}

/** What to write: a new file, with the attempts of another file as written there, or changes to a file. */
export type Write =
  | { readonly kind: 'new'; readonly values: TaskValues; readonly attemptsFrom?: string }
  | { readonly kind: 'changed'; readonly path: string };

export interface Decision extends Omit<BacklogChange, 'id'> {
  readonly write?: Write;
  readonly note?: string;
}

/** What is known of a task beyond its text and its files. */
export interface Standing {
  readonly score: number;
  readonly now: Date;
  /** Whether it belongs where people look, and agents do not. */
  readonly isForPeople: boolean;
  /** Whether it is open whatever its finished files say, since something else keeps its state. */
  readonly isOpen: boolean;
}

/** The folder for a new task. */
function homeOf({ isForPeople }: Standing): typeof generatedFolder | typeof peopleFolder {
  return isForPeople ? peopleFolder : generatedFolder;
}

/** @param entries The files of the task, by the id in the file or the name of the file. */
export function decide(task: Task, entries: readonly BacklogEntry[], standing: Standing): Decision {
  const { score, isForPeople } = standing;
  const finished = entries.filter(({ folder }) => folder === 'completed' || folder === 'failed');
  const waiting = entries.filter(({ folder }) => folder === generatedFolder || folder === peopleFolder);
  const taken = entries.find((entry) => !finished.includes(entry) && !waiting.includes(entry));
  if (taken !== undefined) return { change: 'standing', path: taken.path };
  const own = waiting.find(({ id, name, values }) => values !== undefined && id === task.id && name === task.id);
  if (own?.values !== undefined) {
    const path = `${homeOf(standing)}/${basename(own.path)}`;
    return path === own.path && Object.keys(changesOf(own.values, task, score, isForPeople)).length === 0
      ? { change: 'unchanged', path }
      : { change: 'updated', path, write: { kind: 'changed', path: own.path } };
  }
  const [foreign] = waiting;
  if (foreign !== undefined) return { change: 'standing', path: foreign.path };
  return decideFinished(task, finished, standing);
}

function decideFinished(task: Task, finished: readonly BacklogEntry[], standing: Standing): Decision {
  const { score, now, isForPeople, isOpen } = standing;
  const path = `${homeOf(standing)}/${task.id}.yaml`;
  const undated = finished.find((entry) => finishedAt(entry) === undefined);
  if (undated !== undefined) {
    const note = 'It has no completion time, so its task does not return.';
    return { change: 'standing', path: undated.path, ...(undated.values === undefined ? {} : { note }) };
  }
  const latest = finished.toSorted((a, b) => (finishedAt(b) ?? 0) - (finishedAt(a) ?? 0)).at(0);
  if (latest === undefined) {
    return {
      change: 'new',
      path,
      write: { kind: 'new', values: newTaskFile(task, score, { now, attempts: [], isForPeople }) },
    };
  }
  const occurred = instantOf(task.lastOccurrence);
  const hasOccurred = occurred !== undefined && occurred > (finishedAt(latest) ?? 0);
  // Nothing has been done about a task that was withdrawn: it returns as soon as its problem is open again.
  if (!isOpen && !hasOccurred && !isWithdrawn(latest)) return { change: 'standing', path: latest.path };
  const values = newTaskFile(task, score, { now, attempts: attemptsOf(latest), isForPeople });
  return { change: 'returned', path, write: { kind: 'new', values, attemptsFrom: latest.path } };
}

export function isWithdrawn({ values, folder }: BacklogEntry): boolean {
  return folder === 'completed' && typeof values?.['withdrawn_at'] === 'string';
}
