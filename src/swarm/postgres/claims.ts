import { hostname } from 'node:os';
import { ProblemsError } from '../../errors.ts';
import { bounds, checkLease, checkReport, checkRequest, checkWait, cut, defaultLease } from '../bounds.ts';
import { failuresOf, readListedRow, readTaskRow, type Row, taskOf, type TaskRow } from '../rows.ts';
import { isForPerson, nextAfter, nextAfterLapse, scopesSql } from '../rules.ts';
import type { ClaimRef, ClaimRequest, Granted, Held, Next, Report, Settled } from '../types.ts';
import { jobBegun, jobEnded } from './attempts.ts';
import { clock, listed, lockTask, type Queue, record, taskRow } from './rows.ts';
import { schema } from './schema.ts';
import { limitsNow } from './reads.ts';
import type { Session, Value } from './sql.ts';
import { asking, register, seen } from './workers.ts';

const stale = { accepted: false, why: 'stale' } as const;

/**
 * Claims the first task in priority order that this worker may have, in one statement: the conditions are those of `waitingFor`
 * in rules.ts. A task that another transaction is about to claim is passed over. Of two that claim tasks of the same key at the
 * same time, the unique index `task_key` makes the second begin again. $11: scopes whose limit is spent; null: nobody has looked,
 * and nothing is claimed if there are limits.
 */
const claimFirst = `
  WITH ${asking}, next AS (
    SELECT project, id FROM ${schema}.task
    WHERE (SELECT draining IS FALSE AND NOT lapsed AND ($11::text[] IS NOT NULL OR NOT limited) FROM asking) AND project = $2
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
        SELECT FROM ${schema}.gate WHERE gate.project = task.project AND gate.scope IN (${scopesSql}))
      AND ($11::text[] IS NULL OR NOT $11::text[] && ARRAY[${scopesSql}])
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
  ), ${jobBegun('claimed')}
  SELECT draining, lapsed, limited, ${listed}, payload FROM asking LEFT JOIN claimed ON true`;

export async function claimNext(queue: Queue, request: ClaimRequest): Promise<Granted | undefined> {
  checkRequest(request);
  const { server, project, at } = queue;
  const { worker, handlers = ['agent'], engines = [], kinds = [], tasks = [], lease = defaultLease } = request;
  const values = [handlers, kinds, engines, worker, lease, tasks, hostname(), process.pid] as const;
  for (;;) {
    const [unlimited] = await server.change(claimFirst, at(), project, ...values, null);
    const found = unlimited?.['limited'] === true ? await withinLimits(queue, values) : unlimited;
    if (found === undefined) return undefined;
    if (found['id'] !== null) return granted(queue, readTaskRow(found));
    const { draining, lapsed } = found;
    if (lapsed === true) await endLapsed(queue);
    if (draining === true || (draining === null && (await register(queue, worker, handlers, engines))))
      return undefined;
    if (draining === false && lapsed !== true) return undefined;
  }
}

/** Claims one after the other: two at once could both take the last task of an hour. */
async function withinLimits(queue: Queue, values: readonly Value[]): Promise<Row | undefined> {
  const { server, project, at } = queue;
  return server.writing(async (session) => {
    await session.rows('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', `limits of ${project}`);
    const { spent } = await limitsNow(queue, session);
    const scopes = spent.map(({ scope }) => scope);
    const [found] = await session.rows(claimFirst, at(), project, ...values, scopes);
    return found;
  });
}

async function granted(queue: Queue, row: TaskRow): Promise<Granted> {
  const claim = { task: row.id, token: row.token ?? 0 };
  const entry = taskOf(row, null);
  if (!isForPerson(entry.task)) return { ...claim, entry };
  // The columns decided, and the payload is what is handed out.
  await giveBack(queue, claim, 0);
  throw new ProblemsError('state-untrusted', `Task ${row.id} is left to people, and its row was changed.`, {
    hint: 'Nothing is done with it. Find out who may write to the tables of the queue.',
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

/** A report of success is one statement: what follows from it does not depend on what came before. */
const settleDone = `
  WITH held AS (
    SELECT * FROM ${schema}.task WHERE project = $2 AND id = $3 AND state = 'claimed' AND token = $4 FOR UPDATE
  ), ${outcomeOf('held', `'done'`, 'NULL', '$5', '$6')}, ${jobEnded('held', 'completed')}, ended AS (
    UPDATE ${schema}.task SET state = 'done', since = ${clock}, not_before = NULL, counted = 0, uncounted = 0,
      lease_until = NULL, stopping = NULL, progress = NULL
    FROM held WHERE task.project = held.project AND task.id = held.id
    RETURNING task.id
  )
  SELECT id FROM ended`;

const writeFailure = `
  WITH held AS (SELECT * FROM ${schema}.task WHERE project = $2 AND id = $3 AND token = $4),
    ${outcomeOf('held', `'failed'`, '$7', '$5', '$6')}, ${jobEnded('held', 'failed')}
  SELECT FROM held`;

/** Part of a statement: the outcome of each claim in `rows`, its event, and that its worker is alive. */
function outcomeOf(rows: string, result: string, failure: string, notes: string, cost: string): string {
  return `written AS (
      INSERT INTO ${schema}.outcome (project, task, token, problem, kind, component, handler, engine, worker,
        claimed_at, ended_at, result, class, notes, cost)
      SELECT project, id, token, problem, kind, component, handler, engine, worker, since, ${clock}, ${result},
        ${failure}::text, ${notes}::text, ${cost}::double precision FROM ${rows}
      RETURNING project, worker
    ), ${seen('written')}, noted AS (
      INSERT INTO ${schema}.event (project, at, type, subject, worker, token, note)
      SELECT project, ${clock}, ${result}, id, worker, token, coalesce(${failure}::text, '') FROM ${rows})`;
}

export async function settle(queue: Queue, claim: ClaimRef, report: Report): Promise<Settled> {
  checkReport(report);
  const { server, project, retries, at } = queue;
  const { task, token } = claim;
  const said = [cut(report.notes ?? '', bounds.notes), report.cost ?? null] as const;
  if (report.result === 'done') {
    const [ended] = await server.change(settleDone, at(), project, task, token, ...said);
    return ended === undefined ? repeated(queue, server, claim) : { accepted: true, state: 'done' };
  }
  return server.writing(async (session) => {
    const row = held(await lockTask(queue, session, task), claim);
    if (row === undefined) return repeated(queue, session, claim);
    const next = nextAfter(report, failuresOf(row), retries);
    await session.rows(writeFailure, at(), project, task, token, ...said, report.class ?? 'step-failed');
    return { accepted: true, state: await end(queue, session, row, next) };
  });
}

export async function giveBack(queue: Queue, claim: ClaimRef, waitMs: number, asks?: string): Promise<Settled> {
  checkWait(waitMs);
  const asked = asks === undefined ? null : cut(asks, bounds.text);
  const { server } = queue;
  return server.writing(async (session) => {
    const row = held(await lockTask(queue, session, claim.task), claim);
    if (row === undefined) return stale;
    await record(queue, session, 'released', row.id, { worker: row.worker, token: claim.token, note: asked ?? '' });
    await endJob(queue, session, row, 'cancelled');
    const next: Next = { state: 'open', waitMs, failures: failuresOf(row) };
    return { accepted: true, state: await end(queue, session, row, next, asked) };
  });
}

/** Leases that are over, of every project: a task of another one may hold the key that this one needs. */
async function endLapsed(queue: Queue): Promise<void> {
  const { server, at } = queue;
  await server.writing(async (session) => {
    // What another process is ending, or a late report, is left to it.
    const lapsed = await session.rows(
      `SELECT ${listed} FROM ${schema}.task WHERE state = 'claimed' AND lease_until <= ${clock}
       ORDER BY project, id FOR UPDATE SKIP LOCKED`,
      at(),
    );
    for (const row of lapsed.map(readListedRow)) {
      const own = { ...queue, project: row.project };
      await record(own, session, 'lapsed', row.id, { worker: row.worker, token: row.token });
      await endJob(own, session, row, 'failed');
      await end(own, session, row, nextAfterLapse(failuresOf(row), queue.retries));
    }
  });
}

async function endJob(
  { project }: Queue,
  session: Session,
  { id, token }: Pick<TaskRow, 'id' | 'token'>,
  how: 'failed' | 'cancelled',
): Promise<void> {
  await session.rows(
    `WITH held AS (SELECT $1::text AS project, $2::text AS id, $3::bigint AS token), ${jobEnded('held', how)} SELECT FROM held`,
    project,
    id,
    token,
  );
}

/** Ends a claim. A task that was cancelled meanwhile does not come back. Its token stays, so that a late report is refused. */
async function end(
  queue: Queue,
  session: Session,
  row: Omit<TaskRow, 'payload'>,
  next: Next,
  asks: string | null = null,
): Promise<Next['state']> {
  const isCancelled = row.stopping !== null && next.state !== 'done';
  const state = isCancelled ? 'cancelled' : next.state;
  await session.rows(
    `UPDATE ${schema}.task SET state = $4, since = ${clock}, not_before = ${clock} + $5 * interval '1 millisecond',
       counted = $6, uncounted = $7, lease_until = NULL, stopping = NULL, progress = $8
     WHERE project = $2 AND id = $3`,
    queue.at(),
    row.project,
    row.id,
    state,
    !isCancelled && next.state === 'open' && next.waitMs > 0 ? next.waitMs : null,
    next.failures.counted,
    next.failures.uncounted,
    asks,
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
