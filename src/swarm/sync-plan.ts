import { compareText } from '../util/compare.ts';
import { approvedContent, payloadOf, readPayload } from './payload.ts';
import type { ListedRow } from './rows.ts';
import { hasOccurredSince } from './rules.ts';
import type { Task } from '../tasks/types.ts';
import type { SyncCoverage, SyncResult, TaskEntry, TaskState } from './types.ts';

/** What a sync must know about a task of the queue. */
export type KnownTask = Pick<
  ListedRow,
  'id' | 'problem' | 'target' | 'automation' | 'engine' | 'approved_by' | 'state' | 'since'
> & {
  readonly payload: string;
  /** Whether the store vouches for the row. Others are written again, without their approval. */
  readonly isOurs: boolean;
};

/** A task to insert, or to write over the one of the same id, which keeps its state. */
export interface TaskWrite {
  readonly entry: TaskEntry;
  readonly payload: string;
  readonly approvedBy: string | null;
}

export interface SyncPlan {
  readonly writes: readonly TaskWrite[];
  /** To be recorded in this order. */
  readonly events: readonly { readonly type: SyncEvent; readonly task: string }[];
  /** What is `returned` begins a new round, after the writes: its failures and its approval belong to the last one. */
  readonly result: SyncResult;
}

type SyncEvent = 'added' | 'changed' | 'approval-revoked' | 'returned' | 'withdrawn';

/** Ended states from which a task comes back when its problem has occurred again. An operator's cancel is final. */
export const endedStates: readonly TaskState[] = ['done', 'person', 'dead'];

/** States in which a task stays although its registry asks for it no more. What someone works on stays theirs. */
export const keptStates: readonly TaskState[] = ['withdrawn', 'done', 'claimed'];

/** Whether a sync has nothing to do about a task of the queue, so that `planSync` need not be told of it. */
export function isInPlace(row: KnownTask, { task, engine }: TaskEntry): boolean {
  if (row.state === 'claimed') return true;
  return row.isOurs && row.payload === payloadOf(task) && row.engine === engine && !comesBack(row, task);
}

function comesBack({ state, since }: KnownTask, task: Task): boolean {
  return state === 'withdrawn' || (endedStates.includes(state) && hasOccurredSince(task, since));
}

/**
 * What makes the queue what the registries say, from entries that `checkEntries` let pass. Of those with the same id the last
 * one counts.
 * @throws ProblemsError `bad-usage`: a task is too large.
 */
export function planSync(
  known: ReadonlyMap<string, KnownTask>,
  entries: readonly TaskEntry[],
  { problems, targets }: SyncCoverage,
): SyncPlan {
  const made = new Map(entries.map((entry) => [entry.task.id, entry]));
  const writes: TaskWrite[] = [];
  const events: SyncPlan['events'][number][] = [];
  const rescored: string[] = [];

  for (const entry of made.values()) {
    const { task, engine } = entry;
    const { id } = task;
    const row = known.get(id);
    // What its worker has was true when it was claimed; the next sync after that brings the rest.
    if (row?.state === 'claimed') continue;
    const payload = payloadOf(task);
    if (row === undefined) {
      writes.push({ entry, payload, approvedBy: null });
      events.push({ type: 'added', task: id });
      continue;
    }
    if (!row.isOurs || row.payload !== payload || row.engine !== engine) {
      // An approval is of what the task said. Rescoring keeps it; any other change, and a row that is not ours, end it.
      const before = row.isOurs ? readPayload(row.payload) : undefined;
      const saysTheSame =
        before !== undefined && row.engine === engine && approvedContent(before) === approvedContent(task);
      const keeps = saysTheSame && task.automation === 'approve';
      writes.push({ entry, payload, approvedBy: keeps ? row.approved_by : null });
      if (saysTheSame && row.automation === task.automation) rescored.push(id);
      else {
        events.push({ type: 'changed', task: id });
        if (row.approved_by !== null && !keeps) events.push({ type: 'approval-revoked', task: id });
      }
    }
    if (comesBack(row, task)) events.push({ type: 'returned', task: id });
  }

  // Tasks of registries that were not read, or have errors, are left alone.
  for (const { id, state, problem, target } of known.values()) {
    if (made.has(id) || keptStates.includes(state)) continue;
    if (problems.has(problem) || targets.has(target)) events.push({ type: 'withdrawn', task: id });
  }

  function tasksThatAre(type: SyncEvent): readonly string[] {
    return events.flatMap((event) => (event.type === type ? [event.task] : [])).toSorted(compareText);
  }
  const result = {
    added: tasksThatAre('added'),
    changed: tasksThatAre('changed'),
    rescored: rescored.toSorted(compareText),
    returned: tasksThatAre('returned'),
    withdrawn: tasksThatAre('withdrawn'),
    unchanged: made.size - writes.length,
  };
  return { writes, events, result };
}
