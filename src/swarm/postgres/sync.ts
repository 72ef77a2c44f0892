import { hash } from 'node:crypto';
import { checkEntries } from '../bounds.ts';
import { payloadOf } from '../payload.ts';
import { readTaskRow } from '../rows.ts';
import { occurredAt, serialKeyOf, tieKey } from '../rules.ts';
import { endedStates, keptStates, type KnownTask, planSync, type SyncPlan, type TaskWrite } from '../sync-plan.ts';
import type { SyncCoverage, SyncResult, TaskEntry } from '../types.ts';
import { clock, listed, type Queue } from './rows.ts';
import { schema } from './schema.ts';
import type { Session } from './sql.ts';

/** How many tasks one statement writes: its text must not become too large. */
const atOnce = 1_000;

export async function syncTasks(
  queue: Queue,
  entries: readonly TaskEntry[],
  covers: SyncCoverage,
): Promise<SyncResult> {
  checkEntries(entries);
  const made = new Map(entries.map((entry) => [entry.task.id, entry]));
  const wanted = [...made.values()].map((entry) => ({ entry, digest: digestOf(payloadOf(entry.task)) }));
  return queue.server.writing(async (session) => {
    // Two syncs of one project would wait for each other's rows in different orders.
    await session.rows('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', `sync of ${queue.project}`);
    const differing = await differingTasks(queue, session, wanted, covers);
    // Workers go on meanwhile. What this sync may change is locked, and decided by what it is then.
    const known = differing.size === 0 ? [] : await lockedTasks(queue, session, [...differing]);
    const { writes, events, result } = planSync(
      new Map(known),
      [...made.values()].filter(({ task }) => differing.has(task.id)),
      covers,
    );
    for (let index = 0; index < writes.length; index += atOnce)
      await write(queue, session, writes.slice(index, index + atOnce));
    await set(queue, session, result.returned, `state = 'open', counted = 0, uncounted = 0, approved_by = NULL`);
    await set(queue, session, result.withdrawn, `state = 'withdrawn'`);
    if (events.length > 0) await recordAll(queue, session, events);
    return { ...result, unchanged: made.size - writes.length };
  });
}

/**
 * Leaves out only tasks with which `planSync` would do nothing: the same text for the same engine, in a state from which it does not
 * come back. The server compares, so that of 10,000 unchanged tasks their ids and digests are sent, and nothing returns.
 */
const differ = `
  SELECT coalesce(wanted.id, task.id) AS id, wanted.id IS NOT NULL AS is_wanted, task.problem, task.target
  FROM unnest($2::text[], $3::text[], $4::text[], $5::float8[]) AS wanted (id, digest, engine, occurred)
  FULL JOIN (SELECT * FROM ${schema}.task WHERE project = $1) AS task ON task.id = wanted.id
  WHERE CASE
    WHEN task.id IS NULL THEN true
    WHEN wanted.id IS NULL THEN task.state NOT IN (${literals(keptStates)})
    ELSE task.state <> 'claimed' AND (
      task.digest <> wanted.digest OR task.engine IS DISTINCT FROM wanted.engine OR task.state = 'withdrawn'
      OR task.state IN (${literals(endedStates)}) AND wanted.occurred > extract(epoch FROM task.since) * 1000 - 1)
  END`;

/** Ids of the tasks that a sync may change. */
async function differingTasks(
  { project }: Queue,
  session: Session,
  wanted: readonly { readonly entry: TaskEntry; readonly digest: string }[],
  { problems, targets }: SyncCoverage,
): Promise<ReadonlySet<string>> {
  const rows = await session.rows(
    differ,
    project,
    wanted.map(({ entry }) => entry.task.id),
    wanted.map(({ digest }) => digest),
    wanted.map(({ entry }) => entry.engine),
    wanted.map(({ entry }) => occurredAt(entry.task)?.toString() ?? null),
  );
  return new Set(
    rows
      .filter(
        (row) =>
          row['is_wanted'] === true || problems.has(String(row['problem'])) || targets.has(String(row['target'])),
      )
      .map((row) => String(row['id'])),
  );
}

function literals(states: readonly string[]): string {
  return states.map((state) => `'${state}'`).join(', ');
}

async function recordAll({ project, at }: Queue, session: Session, events: SyncPlan['events']): Promise<void> {
  await session.rows(
    `INSERT INTO ${schema}.event (project, at, type, subject)
     SELECT $2, ${clock}, type, subject FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS event (type, subject, number)
     ORDER BY number`,
    at(),
    project,
    events.map(({ type }) => type),
    events.map(({ task }) => task),
  );
}

async function lockedTasks(
  { project }: Queue,
  session: Session,
  ids: readonly string[],
): Promise<readonly (readonly [string, KnownTask])[]> {
  const rows = await session.rows(
    `SELECT ${listed}, payload FROM ${schema}.task WHERE project = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE`,
    project,
    ids,
  );
  return rows.map(readTaskRow).map((row) => [row.id, { ...row, isOurs: true }]);
}

async function write({ project, at }: Queue, session: Session, writes: readonly TaskWrite[]): Promise<void> {
  const rows = writes.map(({ entry: { task, engine }, payload, approvedBy }) => ({
    id: task.id,
    problem: task.problem,
    kind: task.kind,
    component: task.component,
    target: task.target,
    handler: task.handler,
    automation: task.automation,
    score: task.priority.score,
    tie: tieKey(task),
    engine,
    serial_key: serialKeyOf(task, project, engine),
    approved_by: approvedBy,
    digest: digestOf(payload),
    payload,
  }));
  await session.rows(
    `INSERT INTO ${schema}.task (project, state, since, ${names.join(', ')})
     SELECT $2, 'open', ${clock}, ${names.join(', ')}
       FROM json_to_recordset($3) AS row (${names.map((name) => `${name} ${columns[name]}`).join(', ')})
     ON CONFLICT (project, id) DO UPDATE SET ${names.map((column) => `${column} = excluded.${column}`).join(', ')}`,
    at(),
    project,
    storableJson(rows),
  );
  const ids = writes.map(({ entry }) => entry.task.id);
  await session.rows(`DELETE FROM ${schema}.task_after WHERE project = $1 AND id = ANY ($2)`, project, ids);
  const pairs = writes.flatMap(({ entry: { task } }) =>
    [...new Set(task.dependencies)].map((after) => ({ id: task.id, after })),
  );
  if (pairs.length > 0)
    await session.rows(
      `INSERT INTO ${schema}.task_after (project, id, after)
       SELECT $1, id, after FROM json_to_recordset($2) AS pair (id text, after text)`,
      project,
      storableJson(pairs),
    );
}

/** What a sync writes of a task. Types as json_to_recordset wants them. */
const columns: Readonly<Record<string, string>> = {
  id: 'text',
  problem: 'text',
  kind: 'text',
  component: 'text',
  target: 'text',
  handler: 'text',
  automation: 'text',
  score: 'double precision',
  tie: 'text',
  engine: 'text',
  serial_key: 'text',
  approved_by: 'text',
  digest: 'text',
  payload: 'text',
};

const names = Object.keys(columns);

/** PostgreSQL refuses JSON in which a string has NUL or half of a surrogate pair, which registries may contain. */
function storableJson(rows: readonly Readonly<Record<string, string | number | null>>[]): string {
  return JSON.stringify(rows, (_, value: unknown) =>
    typeof value === 'string' ? value.replaceAll('\0', '\u{FFFD}').toWellFormed() : value,
  );
}

async function set({ project, at }: Queue, session: Session, ids: readonly string[], change: string): Promise<void> {
  if (ids.length === 0) return;
  await session.rows(
    `UPDATE ${schema}.task SET ${change}, since = ${clock}, not_before = NULL WHERE project = $2 AND id = ANY ($3)`,
    at(),
    project,
    ids,
  );
}

function digestOf(payload: string): string {
  return hash('sha256', payload);
}
