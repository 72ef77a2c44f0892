import { compareText } from '../../util/compare.ts';
import { checkEntries } from '../bounds.ts';
import { approvedContent, payloadOf, readPayload } from '../payload.ts';
import { hasOccurredSince, serialKeyOf, tieKey } from '../rules.ts';
import type { SyncCoverage, SyncResult, TaskEntry, TaskState } from '../types.ts';
import { isSealed, type Queue, record, readTaskRow, rowOf, sealOf, type TaskRow } from './rows.ts';

interface Changes {
  readonly added: string[];
  readonly changed: string[];
  readonly rescored: string[];
  readonly returned: string[];
  readonly withdrawn: string[];
}

/** Ended states from which a task comes back when its problem has occurred again. An operator's cancel is final. */
const ended: readonly TaskState[] = ['done', 'person', 'dead'];

/** Call it within a transaction. */
export function syncTasks(queue: Queue, entries: readonly TaskEntry[], covers: SyncCoverage): SyncResult {
  checkEntries(entries);
  const { database, project } = queue;
  const known = new Map(
    database
      .all('SELECT * FROM task WHERE project = ?', project)
      .map(readTaskRow)
      .map((row) => [row.id, row] as const),
  );
  const changes: Changes = { added: [], changed: [], rescored: [], returned: [], withdrawn: [] };
  for (const entry of entries) syncTask(queue, entry, known.get(entry.task.id), changes);
  const made = new Set(entries.map(({ task }) => task.id));
  for (const row of known.values()) if (!made.has(row.id)) withdraw(queue, row, covers, changes);
  const touched = changes.added.length + changes.changed.length + changes.rescored.length;
  return {
    added: changes.added.toSorted(compareText),
    changed: changes.changed.toSorted(compareText),
    rescored: changes.rescored.toSorted(compareText),
    returned: changes.returned.toSorted(compareText),
    withdrawn: changes.withdrawn.toSorted(compareText),
    unchanged: entries.length - touched,
  };
}

function syncTask(queue: Queue, entry: TaskEntry, row: TaskRow | undefined, changes: Changes): void {
  // What its worker has was true when it was claimed; the next sync after that brings the rest.
  if (row?.state === 'claimed') return;
  const { task, engine } = entry;
  const payload = payloadOf(task);
  const isOurs = row !== undefined && isSealed(queue.signer, row);
  if (row === undefined) {
    write(queue, entry, payload, null);
    changes.added.push(task.id);
    record(queue, 'added', task.id);
    return;
  }
  if (!isOurs || row.payload !== payload || row.engine !== engine) {
    // An approval is of what the task said. Rescoring keeps it; any other change, and a row that we did not write, end it.
    const before = isOurs ? readPayload(row.payload) : undefined;
    const saysTheSame =
      before !== undefined && row.engine === engine && approvedContent(before) === approvedContent(task);
    const keeps = saysTheSame && task.automation === 'approve';
    write(queue, entry, payload, keeps ? row.approved_by : null);
    if (saysTheSame && row.automation === task.automation) changes.rescored.push(task.id);
    else {
      changes.changed.push(task.id);
      record(queue, 'changed', task.id);
      if (row.approved_by !== null && !keeps) record(queue, 'approval-revoked', task.id);
    }
  }
  const isBack = row.state === 'withdrawn' || (ended.includes(row.state) && hasOccurredSince(task, row.since));
  if (isBack) reopen(queue, row, changes);
}

function write(
  { database, project, now, signer }: Queue,
  { task, engine }: TaskEntry,
  payload: string,
  approvedBy: string | null,
): void {
  const { id, handler, automation, dependencies } = task;
  database.run(
    `INSERT INTO task (project, id, problem, kind, component, target, handler, automation, score, tie, engine, serial_key,
       payload, approved_by, seal, state, since)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?)
     ON CONFLICT (project, id) DO UPDATE SET problem = excluded.problem, kind = excluded.kind,
       component = excluded.component, target = excluded.target, handler = excluded.handler,
       automation = excluded.automation, score = excluded.score, tie = excluded.tie, engine = excluded.engine,
       serial_key = excluded.serial_key, payload = excluded.payload, approved_by = excluded.approved_by, seal = excluded.seal`,
    project,
    id,
    task.problem,
    task.kind,
    task.component,
    task.target,
    handler,
    automation,
    task.priority.score,
    tieKey(task),
    engine,
    serialKeyOf(task, project, engine),
    payload,
    approvedBy,
    sealOf(signer, { project, id, payload, handler, automation, engine, approved_by: approvedBy }),
    now().toISOString(),
  );
  database.run('DELETE FROM task_after WHERE project = ? AND id = ?', project, id);
  for (const after of new Set(dependencies))
    database.run('INSERT INTO task_after VALUES (?, ?, ?)', project, id, after);
}

/** A round begins anew: its failures and its approval belong to the last one. */
function reopen(queue: Queue, { id, approved_by: approvedBy }: TaskRow, { returned }: Changes): void {
  const { database, project, now } = queue;
  database.run(
    `UPDATE task SET state = 'open', since = ?, not_before = NULL, counted = 0, uncounted = 0 WHERE project = ? AND id = ?`,
    now().toISOString(),
    project,
    id,
  );
  if (approvedBy !== null) setApproval(queue, id, null);
  returned.push(id);
  record(queue, 'returned', id);
}

/** Signs the row again with another approval. Call it only for a row whose seal holds. */
export function setApproval(queue: Queue, id: string, by: string | null): void {
  const row = rowOf(queue, id);
  if (row === undefined) return;
  queue.database.run(
    'UPDATE task SET approved_by = ?, seal = ? WHERE project = ? AND id = ?',
    by,
    sealOf(queue.signer, { ...row, approved_by: by }),
    row.project,
    id,
  );
}

/** A task that someone works on stays theirs. Tasks of registries that were not read, or have errors, are left alone. */
function withdraw(queue: Queue, row: TaskRow, { problems, targets }: SyncCoverage, changes: Changes): void {
  const { database, project, now } = queue;
  if (row.state === 'withdrawn' || row.state === 'done' || row.state === 'claimed') return;
  if (!problems.has(row.problem) && !targets.has(row.target)) return;
  database.run(
    `UPDATE task SET state = 'withdrawn', since = ?, not_before = NULL WHERE project = ? AND id = ?`,
    now().toISOString(),
    project,
    row.id,
  );
  changes.withdrawn.push(row.id);
  record(queue, 'withdrawn', row.id);
}
