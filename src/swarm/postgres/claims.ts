import { ProblemsError } from '../../errors.ts';
import { bounds, checkLease, checkReport, checkRequest, checkWait, cut, defaultLease } from '../bounds.ts';
import { failuresOf, readListedRow, readTaskRow, taskOf, type TaskRow } from '../rows.ts';
import { isForPerson, nextAfter, nextAfterLapse } from '../rules.ts';
import type { ClaimRef, ClaimRequest, Granted, Held, Next, Report, Settled } from '../types.ts';
import { clock, listed, lockTask, type Queue, record, taskRow } from './rows.ts';
import { schema } from './schema.ts';
import type { Session } from './sql.ts';
import { see, seen } from './workers.ts';

const stale = { accepted: false, why: 'stale' } as const;

/**
 * Claims the first task in priority order that this worker may have, in one statement: the conditions are those of `waitingFor`
 * in rules.ts. A task that another transaction is about to claim is passed over. Of two that claim tasks of the same key at the
 * same time, the unique index `task_key` makes the second begin again.
 */
const claimFirst = `
  WITH next AS (
    SELECT project, id FROM ${schema}.task
    WHERE project = $2
      AND state = 'open' AND (automation = 'auto' OR approved_by IS NOT NULL)
      AND automation <> 'human' AND handler <> 'person'
      AND (not_before IS NULL OR not_before <= ${clock})
      AND handler = ANY ($3::text[])
      AND ($4::text[] = '{}' OR kind = ANY ($4::text[]))
      AND (engine IS NULL OR engine = ANY ($5::text[]))
      AND ($8::text[] = '{}' OR id = ANY ($8::text[]))
      AND NOT EXISTS (
        SELECT FROM ${schema}.task AS other WHERE other.state = 'claimed' AND other.serial_key = task.serial_key)
      AND NOT EXISTS (
        SELECT FROM ${schema}.task_after
        LEFT JOIN ${schema}.task AS earlier ON earlier.project = task_after.project AND earlier.id = task_after.after
        WHERE task_after.project = task.project AND task_after.id = task.id
          AND coalesce(earlier.state, 'open') NOT IN ('done', 'withdrawn'))
      AND NOT EXISTS (
        SELECT FROM ${schema}.gate WHERE gate.project = task.project AND gate.scope IN
          ('all', 'kind:' || task.kind, 'handler:' || task.handler, 'engine:' || coalesce(task.engine, ''),
           'component:' || task.component))
    ORDER BY score DESC, tie LIMIT 1
    FOR UPDATE SKIP LOCKED
  ), claimed AS (
    UPDATE ${schema}.task SET state = 'claimed', since = ${clock}, not_before = NULL, token = nextval('${schema}.token'),
      worker = $6, lease_until = ${clock} + $7 * interval '1 second', progress = NULL, stopping = NULL
    FROM next WHERE task.project = next.project AND task.id = next.id
    RETURNING task.*
  ), noted AS (
    INSERT INTO ${schema}.event (project, at, type, subject, worker, token)
    SELECT project, since, 'claimed', id, worker, token FROM claimed
  )
  SELECT ${listed}, payload, score FROM claimed`;

export async function claimNext(queue: Queue, request: ClaimRequest): Promise<Granted | undefined> {
  checkRequest(request);
  const { server, attempts, project, at } = queue;
  const { worker, handlers = ['agent'], engines = [], kinds = [], tasks = [], lease = defaultLease } = request;
  const { isWanted, hasLapsed } = await see(queue, worker, handlers, engines);
  if (hasLapsed) await endLapsed(queue);
  if (!isWanted) return undefined;
  return server.writing(async (session) => {
    const [found] = await session.rows(claimFirst, at(), project, handlers, kinds, engines, worker, lease, tasks);
    if (found === undefined) return undefined;
    const row = readTaskRow(found);
    const entry = taskOf(row, null);
    // The columns decided, and the payload is what is handed out.
    if (isForPerson(entry.task))
      throw new ProblemsError('state-untrusted', `Task ${row.id} is left to people, and its row was changed.`, {
        hint: 'Nothing is done with it. Find out who may write to the tables of the queue.',
      });
    const claim = { task: row.id, token: row.token ?? 0 };
    await attempts.begin(session, claim, { project, score: Number(found['score']) });
    return { ...claim, entry };
  });
}

export async function grantedOf(queue: Queue, claim: ClaimRef): Promise<Granted | undefined> {
  const row = held(await taskRow(queue, queue.server, claim.task), claim);
  return row === undefined ? undefined : { ...claim, entry: taskOf(row, null) };
}

export async function renew(
  { server, project, at }: Queue,
  { task, token }: ClaimRef,
  lease: number,
  progress: string | undefined,
): Promise<Held> {
  checkLease(lease);
  const [row] = await server.rows(
    `WITH renewed AS (
       UPDATE ${schema}.task SET lease_until = ${clock} + $5 * interval '1 second', progress = coalesce($6, progress)
       WHERE project = $2 AND id = $3 AND state = 'claimed' AND token = $4
       RETURNING project, worker, lease_until, stopping
     ), ${seen('renewed')}
     SELECT lease_until, stopping FROM renewed`,
    at(),
    project,
    task,
    token,
    lease,
    progress === undefined ? null : cut(progress, bounds.text),
  );
  if (row === undefined) return { held: false, why: 'stale' };
  const { lease_until: leaseUntil, stopping } = row;
  return { held: true, leaseUntil: String(leaseUntil), stopping: typeof stopping === 'string' ? stopping : null };
}

export async function settle(queue: Queue, claim: ClaimRef, report: Report): Promise<Settled> {
  checkReport(report);
  const { server, attempts, project, retries, at } = queue;
  return server.writing(async (session) => {
    const row = held(await lockTask(queue, session, claim.task), claim);
    if (row === undefined) return repeated(queue, session, claim);
    const { result, notes = '', cost = null } = report;
    const failure = report.result === 'failed' ? (report.class ?? 'step-failed') : null;
    const next = nextAfter(report, failuresOf(row), retries);
    await session.rows(
      `WITH written AS (
         INSERT INTO ${schema}.outcome (project, task, token, problem, kind, component, handler, engine, worker,
           claimed_at, ended_at, result, class, notes, cost)
         SELECT project, id, token, problem, kind, component, handler, engine, worker, since, ${clock}, $4, $5, $6, $7
           FROM ${schema}.task WHERE project = $2 AND id = $3
         RETURNING project, worker
       ), ${seen('written')}
       INSERT INTO ${schema}.event (project, at, type, subject, worker, token, note)
       VALUES ($2, ${clock}, $4, $3, $8, $9, coalesce($5, ''))`,
      at(),
      project,
      row.id,
      result,
      failure,
      cut(notes, bounds.notes),
      cost,
      row.worker,
      claim.token,
    );
    await attempts.end(session, claim, project, result);
    return { accepted: true, state: await end(queue, session, row, next) };
  });
}

export async function giveBack(queue: Queue, claim: ClaimRef, waitMs: number): Promise<Settled> {
  checkWait(waitMs);
  const { server, attempts, project } = queue;
  return server.writing(async (session) => {
    const row = held(await lockTask(queue, session, claim.task), claim);
    if (row === undefined) return stale;
    await record(queue, session, 'released', row.id, { worker: row.worker, token: claim.token });
    await attempts.end(session, claim, project, 'given back');
    const next: Next = { state: 'open', waitMs, failures: failuresOf(row) };
    return { accepted: true, state: await end(queue, session, row, next) };
  });
}

/** Leases that are over, of every project: a task of another one may hold the key that this one needs. */
async function endLapsed(queue: Queue): Promise<void> {
  const { server, attempts, at } = queue;
  await server.writing(async (session) => {
    // What another process is ending, or a late report, is left to it.
    const lapsed = await session.rows(
      `SELECT ${listed} FROM ${schema}.task WHERE state = 'claimed' AND lease_until <= ${clock}
       ORDER BY project, id FOR UPDATE SKIP LOCKED`,
      at(),
    );
    for (const row of lapsed.map(readListedRow)) {
      const own = { ...queue, project: row.project };
      const token = row.token ?? 0;
      await record(own, session, 'lapsed', row.id, { worker: row.worker, token });
      await attempts.end(session, { task: row.id, token }, row.project, 'failed');
      await end(own, session, row, nextAfterLapse(failuresOf(row), queue.retries));
    }
  });
}

/** Ends a claim. A task that was cancelled meanwhile does not come back. Its token stays, so that a late report is refused. */
async function end(queue: Queue, session: Session, row: Omit<TaskRow, 'payload'>, next: Next): Promise<Next['state']> {
  const isCancelled = row.stopping !== null && next.state !== 'done';
  const state = isCancelled ? 'cancelled' : next.state;
  await session.rows(
    `UPDATE ${schema}.task SET state = $4, since = ${clock}, not_before = ${clock} + $5 * interval '1 millisecond',
       counted = $6, uncounted = $7, lease_until = NULL, stopping = NULL
     WHERE project = $2 AND id = $3`,
    queue.at(),
    row.project,
    row.id,
    state,
    !isCancelled && next.state === 'open' && next.waitMs > 0 ? next.waitMs : null,
    next.failures.counted,
    next.failures.uncounted,
  );
  if (isCancelled) await record(queue, session, 'cancelled', row.id, { note: row.stopping ?? '' });
  return state;
}

function held(row: TaskRow | undefined, { token }: ClaimRef): TaskRow | undefined {
  return row?.state === 'claimed' && row.token === token ? row : undefined;
}

/** A worker that was cut off before it heard the answer may ask again. */
async function repeated(queue: Queue, session: Session, { task, token }: ClaimRef): Promise<Settled> {
  const [known] = await session.rows(
    `SELECT task.state FROM ${schema}.outcome JOIN ${schema}.task ON task.project = outcome.project AND task.id = outcome.task
     WHERE outcome.project = $1 AND outcome.task = $2 AND outcome.token = $3`,
    queue.project,
    task,
    token,
  );
  const row = known === undefined ? undefined : await taskRow(queue, session, task);
  return row === undefined ? stale : { accepted: true, state: row.state };
}
