import { setTimeout as sleep } from 'node:timers/promises';
import { eventOf, outcomeOf, readListedRow, readTaskRow, type Row, taskOf, type TaskRow } from '../rows.ts';
import type { Page } from '../store.ts';
import type { Gate, SwarmEvent, SwarmStats, SwarmTask, TaskFilter, TaskOutcome } from '../types.ts';
import { limitWindow, spentLimits } from '../rules.ts';
import { dependenciesIn, type Facts, handedOutIn, limitsIn, statsFrom, waitingOf, type WorkerRow } from '../views.ts';
import { clock, listed, type Queue } from './rows.ts';
import { schema } from './schema.ts';
import type { Session } from './sql.ts';

export async function listTasks(
  queue: Queue,
  { ids, states, automation }: TaskFilter = {},
): Promise<readonly SwarmTask[]> {
  return queue.server.reading(async (session) => {
    const rows = await session.rows(
      `SELECT ${listed}, payload FROM ${schema}.task
       WHERE project = $1 AND ($2::text[] IS NULL OR id = ANY ($2)) AND ($3::text[] IS NULL OR state = ANY ($3))
         AND ($4::text IS NULL OR automation = $4)
       ORDER BY score DESC, tie`,
      queue.project,
      ids ?? null,
      states ?? null,
      automation ?? null,
    );
    const facts = await factsOf(queue, session);
    return rows.map(readTaskRow).map((row) => taskOf(row, waitingOf(row, facts)));
  });
}

export async function viewOf(queue: Queue, session: Session, row: TaskRow): Promise<SwarmTask> {
  return taskOf(row, row.state === 'open' ? waitingOf(row, await factsOf(queue, session)) : null);
}

/** What explains why tasks wait. */
async function factsOf(queue: Queue, session: Session): Promise<Facts> {
  const { project, at } = queue;
  const [now] = await session.rows(`SELECT ${clock} AS at`, at());
  const taken = await session.rows(
    `SELECT serial_key FROM ${schema}.task WHERE state = 'claimed' AND lease_until > ${clock}`,
    at(),
  );
  const before = await session.rows(
    `SELECT task_after.id AS id, after FROM ${schema}.task_after
     LEFT JOIN ${schema}.task ON task.project = task_after.project AND task.id = after
     WHERE task_after.project = $1 AND coalesce(task.state, 'open') NOT IN ('done', 'withdrawn') ORDER BY after`,
    project,
  );
  return {
    at: String(now?.['at']),
    takenKeys: new Set(taken.map((row) => String(row['serial_key']))),
    before: dependenciesIn(before),
    gates: await gatesOf(queue, session),
    ...(await limitsNow(queue, session)),
  };
}

/** The limits, and those of them that allow no further task now. */
export async function limitsNow({ project, at }: Queue, session: Session): Promise<Pick<Facts, 'limits' | 'spent'>> {
  const found = await session.rows(
    `SELECT scope, per_hour, since FROM ${schema}.hour_limit WHERE project = $1 ORDER BY scope`,
    project,
  );
  const limits = limitsIn(found);
  if (limits.length === 0) return { limits, spent: [] };
  const handedOut = await session.rows(
    `WITH recent AS (
       SELECT * FROM ${schema}.event WHERE project = $2 AND type IN ('claimed', 'released')
         AND at > ${clock} - $3 * interval '1 millisecond'
     )
     SELECT recent.at, task.id, kind, handler, component, engine
     FROM recent JOIN ${schema}.task ON task.project = recent.project AND task.id = recent.subject
     WHERE recent.type = 'claimed' AND recent.token NOT IN (SELECT token FROM recent WHERE type = 'released')`,
    at(),
    project,
    limitWindow,
  );
  return { limits, spent: spentLimits(limits, handedOutIn(handedOut)) };
}

export async function gatesOf({ project }: Queue, session: Session): Promise<readonly Gate[]> {
  const rows = await session.rows(
    `SELECT scope, why, since FROM ${schema}.gate WHERE project = $1 ORDER BY scope`,
    project,
  );
  return rows.map((row) => ({ scope: String(row['scope']), why: String(row['why']), since: String(row['since']) }));
}

export async function eventsAfter(
  queue: Queue,
  { after = 0, limit = 1_000 }: Page = {},
): Promise<readonly SwarmEvent[]> {
  const rows = await settledRows(
    queue,
    `SELECT seq, at, type, subject, worker, token, note, ${isSettled} FROM ${schema}.event
     WHERE project = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
    after,
    limit,
  );
  return rows.map(eventOf);
}

export async function outcomesAfter(
  queue: Queue,
  { after = 0, limit = 1_000, task }: Page & { readonly task?: string } = {},
): Promise<readonly TaskOutcome[]> {
  const rows = await settledRows(
    queue,
    `SELECT seq, task, token, problem, kind, component, handler, engine, worker, claimed_at, ended_at, result, class, notes,
       cost, ${isSettled} FROM ${schema}.outcome
     WHERE project = $1 AND seq > $2 AND ($4::text IS NULL OR task = $4) ORDER BY seq LIMIT $3`,
    after,
    limit,
    task ?? null,
  );
  return rows.map(outcomeOf);
}

/** Whether every transaction that could still write a row with a lower number has ended. */
const isSettled = 'written_in < pg_snapshot_xmin(pg_current_snapshot()) AS is_settled';

/**
 * Numbers are given before the commit, so a lower one may appear after a higher one. Who reads from the last number on would
 * miss it: what may have gaps before it is left for the next page, after a short wait for the transactions in question.
 */
async function settledRows(
  { server, project }: Queue,
  sql: string,
  ...values: readonly (string | number | null)[]
): Promise<readonly Row[]> {
  for (let attempt = 1; ; attempt++) {
    const rows = await server.rows(sql, project, ...values);
    const unsettled = rows.findIndex((row) => row['is_settled'] !== true);
    if (unsettled === -1) return rows;
    if (attempt === 20) return rows.slice(0, unsettled);
    await sleep(50);
  }
}

export async function statsOf(queue: Queue): Promise<SwarmStats> {
  const { server, project } = queue;
  return server.reading(async (session) => {
    const rows = await session.rows(`SELECT ${listed} FROM ${schema}.task WHERE project = $1`, project);
    const counted = await session.rows(
      `SELECT result, count(*) AS number FROM ${schema}.outcome WHERE project = $1 GROUP BY result`,
      project,
    );
    const outcomes = new Map(counted.map((row) => [String(row['result']), Number(row['number'])]));
    const facts = await factsOf(queue, session);
    return statsFrom(rows.map(readListedRow), facts, outcomes, await workersOf(queue, session));
  });
}

async function workersOf({ project }: Queue, session: Session): Promise<readonly WorkerRow[]> {
  const rows = await session.rows(`SELECT * FROM ${schema}.worker WHERE project = $1 ORDER BY name`, project);
  return rows.map((row) => ({
    name: String(row['name']),
    host: String(row['host']),
    pid: Number(row['pid']),
    handlers: namesIn(row['handlers']),
    engines: namesIn(row['engines']),
    draining: row['draining'] === true,
    seenAt: String(row['seen_at']),
  }));
}

function namesIn(list: unknown): readonly string[] {
  return Array.isArray(list) ? list.filter((name) => typeof name === 'string') : [];
}
