import { bounds, checkName, checkPerHour, cut } from '../bounds.ts';
import { cancelOf, refusalToApprove, refusalToRedrive, unknownTask } from '../operator-rules.ts';
import { checkScope } from '../rules.ts';
import type { Changed } from '../types.ts';
import { taskOf } from '../rows.ts';
import { type Queue, record, requireSeal, rowOf } from './rows.ts';
import { viewOf } from './reads.ts';
import { setApproval } from './sync.ts';

/** What people decide about tasks, scopes and workers. Each is called within one writing transaction. */

export function approveTask(queue: Queue, id: string, by: string): Changed {
  const row = rowOf(queue, id);
  if (row === undefined) return unknownTask(id);
  requireSeal(queue.signer, row);
  const why = refusalToApprove(row, taskOf(row, null).task);
  if (why !== undefined) return { changed: false, why };
  setApproval(queue, id, checkName('name of who approves', by));
  record(queue, 'approved', id, { note: by });
  return changed(queue, id);
}

export function cancelTask(queue: Queue, id: string, why: string): Changed {
  const row = rowOf(queue, id);
  if (row === undefined) return unknownTask(id);
  const reason = cut(why, bounds.text);
  const cancel = cancelOf(row);
  if (cancel.how === 'refuse') return { changed: false, why: cancel.why };
  if (cancel.how === 'stop') {
    queue.database.run('UPDATE task SET stopping = ? WHERE project = ? AND id = ?', reason, queue.project, id);
    record(queue, 'stopping', id, { worker: row.worker, token: row.token, note: reason });
  } else {
    set(queue, id, 'cancelled');
    record(queue, 'cancelled', id, { note: reason });
  }
  return changed(queue, id);
}

export function redriveTask(queue: Queue, id: string): Changed {
  const row = rowOf(queue, id);
  if (row === undefined) return unknownTask(id);
  const why = refusalToRedrive(row);
  if (why !== undefined) return { changed: false, why };
  set(queue, id, 'open');
  record(queue, 'redriven', id);
  return changed(queue, id);
}

function set({ database, project, now }: Queue, id: string, state: 'open' | 'cancelled'): void {
  database.run(
    'UPDATE task SET state = ?, since = ?, not_before = NULL, counted = 0, uncounted = 0 WHERE project = ? AND id = ?',
    state,
    now().toISOString(),
    project,
    id,
  );
}

export function pauseScope(queue: Queue, scope: string, why: string): void {
  const { database, project, now } = queue;
  database.run(
    'INSERT INTO gate VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET why = excluded.why',
    project,
    checkScope(scope),
    cut(why, bounds.text),
    now().toISOString(),
  );
  record(queue, 'paused', scope, { note: cut(why, bounds.text) });
}

export function resumeScope(queue: Queue, scope: string): boolean {
  const { database, project } = queue;
  const isResumed = database.run('DELETE FROM gate WHERE project = ? AND scope = ?', project, scope) > 0;
  if (isResumed) record(queue, 'resumed', scope);
  return isResumed;
}

export function limitScope(queue: Queue, scope: string, perHour: number | null): boolean {
  const { database, project, now } = queue;
  checkScope(scope);
  if (perHour === null) {
    const isEnded = database.run('DELETE FROM hour_limit WHERE project = ? AND scope = ?', project, scope) > 0;
    if (isEnded) record(queue, 'unlimited', scope);
    return isEnded;
  }
  database.run(
    'INSERT INTO hour_limit VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET per_hour = excluded.per_hour',
    project,
    scope,
    checkPerHour(perHour),
    now().toISOString(),
  );
  record(queue, 'limited', scope, { note: `${perHour} an hour` });
  return true;
}

export function drainWorker(queue: Queue, worker: string, draining: boolean): boolean {
  const { database, project } = queue;
  const found = database.run(
    'UPDATE worker SET draining = ? WHERE project = ? AND name = ?',
    draining ? 1 : 0,
    project,
    worker,
  );
  if (found > 0) record(queue, draining ? 'draining' : 'working', worker);
  return found > 0;
}

function changed(queue: Queue, id: string): Changed {
  const row = rowOf(queue, id);
  return row === undefined ? unknownTask(id) : { changed: true, task: viewOf(queue, row) };
}
