import { bounds, checkName, checkPerHour, cut } from '../bounds.ts';
import { taskOf, type TaskRow } from '../rows.ts';
import { cancelOf, refusalToApprove, refusalToRedrive, unknownTask } from '../operator-rules.ts';
import { checkScope } from '../rules.ts';
import type { Changed } from '../types.ts';
import { viewOf } from './reads.ts';
import { clock, lockTask, type Queue, record, taskRow } from './rows.ts';
import { schema } from './schema.ts';
import type { Session } from './sql.ts';

/** What people decide about tasks, scopes and workers. */

export async function approveTask(queue: Queue, id: string, by: string): Promise<Changed> {
  return changing(queue, id, async (session, row) => {
    const refused = refusalToApprove(row, taskOf(row, null).task);
    if (refused !== undefined) return refused;
    await session.rows(
      `UPDATE ${schema}.task SET approved_by = $3 WHERE project = $1 AND id = $2`,
      queue.project,
      id,
      checkName('name of who approves', by),
    );
    await record(queue, session, 'approved', id, { note: by });
    return undefined;
  });
}

export async function cancelTask(queue: Queue, id: string, why: string): Promise<Changed> {
  const reason = cut(why, bounds.text);
  return changing(queue, id, async (session, row) => {
    const cancel = cancelOf(row);
    if (cancel.how === 'refuse') return cancel.why;
    if (cancel.how === 'stop') {
      await session.rows(
        `UPDATE ${schema}.task SET stopping = $3 WHERE project = $1 AND id = $2`,
        queue.project,
        id,
        reason,
      );
      await record(queue, session, 'stopping', id, { worker: row.worker, token: row.token, note: reason });
    } else {
      await set(queue, session, id, 'cancelled');
      await record(queue, session, 'cancelled', id, { note: reason });
    }
    return undefined;
  });
}

export async function redriveTask(queue: Queue, id: string): Promise<Changed> {
  return changing(queue, id, async (session, row) => {
    const refused = refusalToRedrive(row);
    if (refused !== undefined) return refused;
    await set(queue, session, id, 'open');
    await record(queue, session, 'redriven', id);
    return undefined;
  });
}

/** Locks a task for a change. `change` returns why it is refused. */
async function changing(
  queue: Queue,
  id: string,
  change: (session: Session, row: TaskRow) => Promise<string | undefined>,
): Promise<Changed> {
  return queue.server.writing<Changed>(async (session) => {
    const row = await lockTask(queue, session, id);
    if (row === undefined) return unknownTask(id);
    const why = await change(session, row);
    if (why !== undefined) return { changed: false, why };
    const after = (await taskRow(queue, session, id)) ?? row;
    return { changed: true, task: await viewOf(queue, session, after) };
  });
}

async function set({ project, at }: Queue, session: Session, id: string, state: 'open' | 'cancelled'): Promise<void> {
  await session.rows(
    `UPDATE ${schema}.task SET state = $4, since = ${clock}, not_before = NULL, counted = 0, uncounted = 0
     WHERE project = $2 AND id = $3`,
    at(),
    project,
    id,
    state,
  );
}

export async function pauseScope(queue: Queue, scope: string, why: string): Promise<void> {
  const { server, project, at } = queue;
  const reason = cut(why, bounds.text);
  checkScope(scope);
  await server.writing(async (session) => {
    await session.rows(
      `INSERT INTO ${schema}.gate (project, scope, why, since) VALUES ($2, $3, $4, ${clock})
       ON CONFLICT (project, scope) DO UPDATE SET why = excluded.why`,
      at(),
      project,
      scope,
      reason,
    );
    await record(queue, session, 'paused', scope, { note: reason });
  });
}

export async function resumeScope(queue: Queue, scope: string): Promise<boolean> {
  const { server, project } = queue;
  return server.writing(async (session) => {
    const removed = await session.rows(
      `DELETE FROM ${schema}.gate WHERE project = $1 AND scope = $2 RETURNING scope`,
      project,
      scope,
    );
    if (removed.length > 0) await record(queue, session, 'resumed', scope);
    return removed.length > 0;
  });
}

export async function limitScope(queue: Queue, scope: string, perHour: number | null): Promise<boolean> {
  const { server, project, at } = queue;
  checkScope(scope);
  if (perHour !== null) checkPerHour(perHour);
  return server.writing(async (session) => {
    if (perHour === null) {
      const removed = await session.rows(
        `DELETE FROM ${schema}.hour_limit WHERE project = $1 AND scope = $2 RETURNING scope`,
        project,
        scope,
      );
      if (removed.length > 0) await record(queue, session, 'unlimited', scope);
      return removed.length > 0;
    }
    await session.rows(
      `INSERT INTO ${schema}.hour_limit (project, scope, per_hour, since) VALUES ($2, $3, $4, ${clock})
       ON CONFLICT (project, scope) DO UPDATE SET per_hour = excluded.per_hour`,
      at(),
      project,
      scope,
      perHour,
    );
    await record(queue, session, 'limited', scope, { note: `${perHour} an hour` });
    return true;
  });
}

export async function drainWorker(queue: Queue, worker: string, draining: boolean): Promise<boolean> {
  const { server, project } = queue;
  return server.writing(async (session) => {
    const found = await session.rows(
      `UPDATE ${schema}.worker SET draining = $3 WHERE project = $1 AND name = $2 RETURNING name`,
      project,
      worker,
      draining,
    );
    if (found.length > 0) await record(queue, session, draining ? 'draining' : 'working', worker);
    return found.length > 0;
  });
}
