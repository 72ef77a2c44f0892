import { checkEntries } from '../bounds.ts';
import { serialKeyOf, tieKey } from '../rules.ts';
import { isInPlace, type KnownTask, planSync, type TaskWrite } from '../sync-plan.ts';
import type { SyncCoverage, SyncResult, TaskEntry } from '../types.ts';
import { isSealed, type Queue, readTaskRow, record, rowOf, sealOf } from './rows.ts';

/** Call it within a transaction. */
export function syncTasks(queue: Queue, entries: readonly TaskEntry[], covers: SyncCoverage): SyncResult {
  checkEntries(entries);
  const { database, project, signer } = queue;
  const made = new Map(entries.map((entry) => [entry.task.id, entry]));
  const known = new Map<string, KnownTask>();
  const total = made.size;
  // One row at a time: nearly all are as the registries say, and their texts together are large.
  for (const found of database.rows('SELECT * FROM task WHERE project = ?', project)) {
    const row = readTaskRow(found);
    const task = { ...row, isOurs: isSealed(signer, row) };
    const entry = made.get(row.id);
    if (entry !== undefined && isInPlace(task, entry)) made.delete(row.id);
    else known.set(row.id, task);
  }
  const { writes, events, result } = planSync(known, [...made.values()], covers);
  for (const one of writes) write(queue, one);
  for (const id of result.returned) reopen(queue, id);
  for (const id of result.withdrawn) withdraw(queue, id);
  for (const { type, task } of events) record(queue, type, task);
  return { ...result, unchanged: total - writes.length };
}

function write(
  { database, project, now, signer }: Queue,
  { entry: { task, engine }, payload, approvedBy }: TaskWrite,
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

function reopen(queue: Queue, id: string): void {
  const { database, project, now } = queue;
  database.run(
    `UPDATE task SET state = 'open', since = ?, not_before = NULL, counted = 0, uncounted = 0 WHERE project = ? AND id = ?`,
    now().toISOString(),
    project,
    id,
  );
  setApproval(queue, id, null);
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

function withdraw({ database, project, now }: Queue, id: string): void {
  database.run(
    `UPDATE task SET state = 'withdrawn', since = ?, not_before = NULL WHERE project = ? AND id = ?`,
    now().toISOString(),
    project,
    id,
  );
}
