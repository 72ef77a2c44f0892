import { taskKinds } from '../../types.ts';
import { generatedFolder, peopleFolder } from './folders.ts';
import type { BacklogEntry } from './read.ts';
import type { TaskValues } from './task-file.ts';

/** What a scan read, before any filter. */
export interface ScannedProblems {
  /** The ids of all records without an error. */
  readonly problems: ReadonlySet<string>;
  /** The targets of all registries without an error. */
  readonly targets: ReadonlySet<string>;
  /** The ids of all tasks. */
  readonly tasks: ReadonlySet<string>;
  /** Why other tasks are withdrawn. Default: their problem is resolved. */
  readonly why?: string;
}

/** A task that no problem asks for any more. */
export interface Obsolete {
  readonly entry: BacklogEntry;
  /** Whether it has left the folders for new tasks, so that it belongs to someone else. */
  readonly isTaken: boolean;
}

const noteOf = /^Auto-generated from problem: (\S+)$/m;

/**
 * The unfinished tasks that an earlier scan wrote and this one would not: their record is resolved, or no longer in its
 * registry. Tasks of registries that were not scanned, or have errors, are left alone.
 */
export function obsolete(
  entries: readonly BacklogEntry[],
  { problems, targets, tasks }: ScannedProblems,
): readonly Obsolete[] {
  return entries.flatMap((entry) => {
    const { id, name, folder, values } = entry;
    if (folder === 'completed' || folder === 'failed' || values === undefined || tasks.has(id)) return [];
    const problem = noteOf.exec(text(values['notes']))?.[1];
    const isOurs =
      values['created_by'] === 'problem-scanner' && taskKinds.some((kind) => id.startsWith(`${kind}-`)) && name === id;
    if (!isOurs || problem === undefined) return [];
    if (!problems.has(problem) && !targets.has(text(values['target']))) return [];
    return [{ entry, isTaken: folder !== generatedFolder && folder !== peopleFolder }];
  });
}

/** The keys that mark a task as withdrawn. */
export function withdrawnValues(values: TaskValues, now: Date, why: string): TaskValues {
  const at = now.toISOString();
  const notes = text(values['notes']);
  return {
    completed_at: at,
    withdrawn_at: at,
    notes: `${notes}\nWithdrawn: ${why.slice(0, 1).toLowerCase()}${why.slice(1)}`,
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
