import { hostname } from 'node:os';
import { bounds, checkLease, checkName, checkReport, checkRequest, checkWait, cut, defaultLease } from '../bounds.ts';
import { isForPerson, nextAfter, nextAfterLapse, scopesSql } from '../rules.ts';
import type { ClaimRef, ClaimRequest, EngineHeld, Granted, Held, Next, Report, Settled } from '../types.ts';
import { failuresOf, taskOf } from '../rows.ts';
import { limitsNow } from './reads.ts';
import { type Queue, readTaskRow, record, requireSeal, rowOf, type TaskRow } from './rows.ts';

/*
 * Each of these is called within one writing transaction, which begins with the write lock: what it reads stays true until
 * it has written.
 */

const stale = { accepted: false, why: 'stale' } as const;

/**
 * The first task in priority order that this worker may have. The conditions are those of `waitingFor` in rules.ts; the index
 * leaves out tasks of people and those without their approval.
 */
const firstClaimable = `
  SELECT task.* FROM task INDEXED BY task_in_order
  WHERE task.project = ?1
    AND task.state = 'open' AND (task.automation = 'auto' OR task.approved_by IS NOT NULL)
    AND task.automation <> 'human' AND task.handler <> 'person'
    AND (task.not_before IS NULL OR task.not_before <= ?2)
    AND task.handler IN (SELECT value FROM json_each(?3))
    AND (?4 = '[]' OR task.kind IN (SELECT value FROM json_each(?4)))
    AND (?6 = '[]' OR task.id IN (SELECT value FROM json_each(?6)))
    AND (task.engine IS NULL OR task.engine IN (SELECT value FROM json_each(?5)))
    AND task.serial_key NOT IN (SELECT serial_key FROM task AS other WHERE other.state = 'claimed')
    AND NOT EXISTS (
      SELECT 1 FROM task_after LEFT JOIN task AS first
        ON first.project = task_after.project AND first.id = task_after.after
      WHERE task_after.project = task.project AND task_after.id = task.id
        AND coalesce(first.state, 'open') NOT IN ('done', 'withdrawn'))
    AND NOT EXISTS (
      SELECT 1 FROM gate WHERE gate.project = task.project AND gate.scope IN (${scopesSql}))
    AND NOT EXISTS (SELECT 1 FROM json_each(?7) WHERE value IN (${scopesSql}))
  ORDER BY task.score DESC, task.tie LIMIT 1`;

export function claimNext(queue: Queue, request: ClaimRequest): Granted | undefined {
  checkRequest(request);
  const { database, project, now, signer } = queue;
  const { worker, handlers = ['agent'], engines = [], kinds = [], tasks = [], lease = defaultLease } = request;
  const at = now();
  endLapsed(queue, at);
  if (!see(queue, worker, at, { handlers, engines })) return undefined;
  const found = database.one(
    firstClaimable,
    project,
    at.toISOString(),
    JSON.stringify(handlers),
    JSON.stringify(kinds),
    JSON.stringify(engines),
    JSON.stringify(tasks),
    JSON.stringify(limitsNow(queue).spent.map(({ scope }) => scope)),
  );
  if (found === undefined) return undefined;
  const row = readTaskRow(found);
  requireSeal(signer, row);
  // The columns decided, and the payload is what is handed out.
  const { task } = taskOf(row, null);
  if (isForPerson(task)) return undefined;
  const token = Number(database.one('UPDATE tokens SET last = last + 1 RETURNING last')?.['last']);
  database.run(
    `UPDATE task SET state = 'claimed', since = ?, not_before = NULL, token = ?, worker = ?, lease_until = ?,
       progress = NULL, stopping = NULL WHERE project = ? AND id = ?`,
    at.toISOString(),
    token,
    worker,
    after(at, lease),
    project,
    row.id,
  );
  record(queue, 'claimed', row.id, { worker, token });
  return grantedOf(queue, { task: row.id, token });
}

export function grantedOf(queue: Queue, claim: ClaimRef): Granted | undefined {
  const row = heldRow(queue, claim);
  if (row === undefined) return undefined;
  requireSeal(queue.signer, row);
  return { ...claim, entry: taskOf(row, null) };
}

export function renew(queue: Queue, claim: ClaimRef, lease: number, progress: string | undefined): Held {
  checkLease(lease);
  const { database, project, now } = queue;
  const row = heldRow(queue, claim);
  if (row === undefined) return { held: false, why: 'stale' };
  const at = now();
  const leaseUntil = after(at, lease);
  database.run(
    'UPDATE task SET lease_until = ?, progress = coalesce(?, progress) WHERE project = ? AND id = ?',
    leaseUntil,
    progress === undefined ? null : cut(progress, bounds.text),
    project,
    row.id,
  );
  seen(queue, row.worker, at);
  return { held: true, leaseUntil, stopping: row.stopping };
}

export function settle(queue: Queue, claim: ClaimRef, report: Report): Settled {
  checkReport(report);
  const { database, now, retries } = queue;
  const row = heldRow(queue, claim);
  if (row === undefined) return repeated(queue, claim);
  const at = now();
  const { result, notes = '', cost = null } = report;
  const failure = report.result === 'failed' ? (report.class ?? 'step-failed') : null;
  database.run(
    `INSERT INTO outcome (project, task, token, problem, kind, component, handler, engine, worker, claimed_at, ended_at,
       result, class, notes, cost)
     SELECT project, id, token, problem, kind, component, handler, engine, worker, since, ?, ?, ?, ?, ?
       FROM task WHERE project = ? AND id = ?`,
    at.toISOString(),
    result,
    failure,
    cut(notes, bounds.notes),
    cost,
    row.project,
    row.id,
  );
  record(queue, result, row.id, { worker: row.worker, token: claim.token, note: failure ?? '' });
  const next = nextAfter(report, failuresOf(row), retries);
  seen(queue, row.worker, at);
  return { accepted: true, state: end(queue, row, next, at) };
}

export function giveBack(queue: Queue, claim: ClaimRef, waitMs: number, asks?: string): Settled {
  checkWait(waitMs);
  const row = heldRow(queue, claim);
  if (row === undefined) return stale;
  const at = queue.now();
  const asked = asks === undefined ? null : cut(asks, bounds.text);
  record(queue, 'released', row.id, { worker: row.worker, token: claim.token, note: asked ?? '' });
  seen(queue, row.worker, at);
  const next: Next = { state: 'open', waitMs, failures: failuresOf(row) };
  return { accepted: true, state: end(queue, row, next, at, asked) };
}

/**
 * The lease of an engine, over all projects of the file.
 * @throws ProblemsError `state-untrusted`: someone else has changed the leases.
 */
export function holdEngine({ database, held, now }: Queue, engine: string, host: string, lease: number): EngineHeld {
  const at = now();
  held.require('engine leases');
  const changed = database.run(
    `INSERT INTO engine_host (engine, host, lease_until) VALUES (?1, ?2, ?3)
     ON CONFLICT DO UPDATE SET host = excluded.host, lease_until = excluded.lease_until
       WHERE engine_host.host = excluded.host OR engine_host.lease_until <= ?4`,
    checkName('id of the engine', engine),
    checkName('name of the host', host),
    after(at, checkLease(lease)),
    at.toISOString(),
  );
  if (changed > 0) held.seal('engine leases');
  const row = database.one('SELECT host, lease_until FROM engine_host WHERE engine = ?', engine);
  const [by, leaseUntil] = [String(row?.['host']), String(row?.['lease_until'])];
  return by === host ? { held: true, leaseUntil } : { held: false, by, leaseUntil };
}

/** Leases that are over, of every project: a task of another one may hold the key that this one needs. */
function endLapsed(queue: Queue, at: Date): void {
  const lapsed = queue.database.all(
    "SELECT * FROM task INDEXED BY task_lease WHERE state = 'claimed' AND lease_until <= ?",
    at.toISOString(),
  );
  for (const row of lapsed.map(readTaskRow)) {
    const own = { ...queue, project: row.project };
    record(own, 'lapsed', row.id, { worker: row.worker, token: row.token });
    end(own, row, nextAfterLapse(failuresOf(row), queue.retries), at);
  }
}

/** Ends a claim. A task that was cancelled meanwhile does not come back. Its token stays, so that a late report is refused. */
function end(queue: Queue, row: TaskRow, next: Next, at: Date, asks: string | null = null): Next['state'] {
  const { database } = queue;
  const isCancelled = row.stopping !== null && next.state !== 'done';
  const state = isCancelled ? 'cancelled' : next.state;
  const isWaiting = !isCancelled && next.state === 'open' && next.waitMs > 0;
  database.run(
    `UPDATE task SET state = ?, since = ?, not_before = ?, counted = ?, uncounted = ?, lease_until = NULL, stopping = NULL,
       progress = ? WHERE project = ? AND id = ?`,
    state,
    at.toISOString(),
    isWaiting ? new Date(at.getTime() + next.waitMs).toISOString() : null,
    next.failures.counted,
    next.failures.uncounted,
    asks,
    row.project,
    row.id,
  );
  if (isCancelled) record(queue, 'cancelled', row.id, { note: row.stopping ?? '' });
  return state;
}

function heldRow(queue: Queue, { task, token }: ClaimRef): TaskRow | undefined {
  const row = rowOf(queue, task);
  return row?.state === 'claimed' && row.token === token ? row : undefined;
}

/** A worker that was cut off before it heard the answer may ask again. */
function repeated(queue: Queue, { task, token }: ClaimRef): Settled {
  const { database, project } = queue;
  const known = database.one(
    'SELECT 1 FROM outcome WHERE project = ? AND task = ? AND token = ?',
    project,
    task,
    token,
  );
  const row = known === undefined ? undefined : rowOf(queue, task);
  return row === undefined ? stale : { accepted: true, state: row.state };
}

/** Registers the worker. Returns false if it shall get no further task. */
function see(
  { database, project }: Queue,
  worker: string,
  at: Date,
  { handlers, engines }: { readonly handlers: readonly string[]; readonly engines: readonly string[] },
): boolean {
  const row = database.one(
    `INSERT INTO worker (project, name, host, pid, handlers, engines, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET host = excluded.host, pid = excluded.pid, handlers = excluded.handlers,
       engines = excluded.engines, seen_at = excluded.seen_at
     RETURNING draining`,
    project,
    checkName('name of the worker', worker),
    hostname(),
    process.pid,
    JSON.stringify(handlers),
    JSON.stringify(engines),
    at.toISOString(),
  );
  return row?.['draining'] === 0;
}

function seen({ database, project }: Queue, worker: string | null, at: Date): void {
  database.run('UPDATE worker SET seen_at = ? WHERE project = ? AND name = ?', at.toISOString(), project, worker);
}

function after(at: Date, seconds: number): string {
  return new Date(at.getTime() + seconds * 1_000).toISOString();
}
