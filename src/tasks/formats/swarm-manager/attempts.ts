import { type Attempts, instantOf } from '../../../priority/index.ts';
import type { Backlog, BacklogEntry } from './read.ts';
import { isMapping, type TaskValues } from './task-file.ts';

const hour = 3_600_000;

/**
 * The failed attempts on each task of a backlog, by its id, for the cooldown. Hours are whole, so that a waiting task's
 * score changes at most once an hour. If a task has two files, the one with more failures counts.
 */
export function attemptsIn(backlog: Backlog, now: Date): ReadonlyMap<string, Attempts> {
  const attempts = new Map<string, Attempts>();
  for (const entry of backlog.entries) {
    const failures = attemptsOf(entry).filter(isFailure);
    if (failures.length <= (attempts.get(entry.id)?.failures ?? 0)) continue;
    const last = Math.max(...failures.map(({ timestamp }) => timeOf(timestamp) ?? 0));
    const hoursSinceFailure = Math.max(0, Math.floor((now.getTime() - last) / hour));
    attempts.set(entry.id, { failures: failures.length, hoursSinceFailure });
  }
  return attempts;
}

/** The attempts that a file lists. A failed task that lists no failure has failed once, when it was moved there. */
export function attemptsOf({ values, folder }: BacklogEntry): readonly TaskValues[] {
  const listed = Array.isArray(values?.['attempts']) ? values['attempts'].filter(isMapping) : [];
  if (folder !== 'failed' || values === undefined || listed.some(isFailure)) return listed;
  const error = typeof values['error'] === 'string' && values['error'] !== '' ? values['error'] : 'failed';
  return [...listed, { timestamp: values['failed_at'] ?? values['completed_at'] ?? null, error }];
}

/** When a completed or failed task ended, in milliseconds since 1970; undefined if its file does not say. */
export function finishedAt(entry: BacklogEntry): number | undefined {
  const { values, folder } = entry;
  const stated = folder === 'failed' ? [values?.['failed_at'], values?.['completed_at']] : [values?.['completed_at']];
  const attempted = attemptsOf(entry).map(({ timestamp }) => timestamp);
  const times = [...stated, ...attempted.toReversed()].map(timeOf);
  return times.find((time) => time !== undefined);
}

function isFailure({ error }: TaskValues): boolean {
  return typeof error === 'string' && error !== '';
}

/** A time of a task file. The year 1 is the zero time of the swarm-manager's language and means none. */
function timeOf(value: unknown): number | undefined {
  const instant = typeof value === 'string' ? instantOf(value.trim().replace(' ', 'T')) : undefined;
  return instant === undefined || instant <= 0 ? undefined : instant;
}
