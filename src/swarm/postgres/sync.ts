import { createHash } from 'node:crypto';
import { checkEntries } from '../bounds.ts';
import { payloadOf } from '../payload.ts';
import { readListedRow, readTaskRow } from '../rows.ts';
import { serialKeyOf, tieKey } from '../rules.ts';
import { type KnownTask, planSync, type TaskWrite } from '../sync-plan.ts';
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
  const payloads = new Map(entries.map(({ task }) => [task.id, payloadOf(task)]));
  const textOf = (task: TaskEntry['task']): string => payloads.get(task.id) ?? payloadOf(task);
  return queue.server.writing(async (session) => {
    // Two syncs of one project would wait for each other's rows in different orders.
    await session.rows('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', `sync of ${queue.project}`);
    const known = await knownTasks(queue, session, payloads);
    const first = planSync(known, entries, covers, textOf);
    const touched = [
      ...new Set([...first.writes.map(({ entry }) => entry.task.id), ...first.events.map(({ task }) => task)]),
    ];
    if (touched.length === 0) return first.result;
    // Workers go on meanwhile. What this sync changes is locked, and decided again by what it is then.
    for (const [id, task] of await lockedTasks(queue, session, touched)) known.set(id, task);
    const { writes, events, result } = planSync(known, entries, covers, textOf);
    for (let index = 0; index < writes.length; index += atOnce)
      await write(queue, session, writes.slice(index, index + atOnce));
    await set(queue, session, result.returned, `state = 'open', counted = 0, uncounted = 0, approved_by = NULL`);
    await set(queue, session, result.withdrawn, `state = 'withdrawn'`);
    await session.rows(
      `INSERT INTO ${schema}.event (project, at, type, subject)
       SELECT $2, ${clock}, type, subject FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS event (type, subject, number)
       ORDER BY number`,
      queue.at(),
      queue.project,
      events.map(({ type }) => type),
      events.map(({ task }) => task),
    );
    return result;
  });
}

/** All tasks of the project. Payloads that are the same as the registries' are not read. */
async function knownTasks(
  { project }: Queue,
  session: Session,
  payloads: ReadonlyMap<string, string>,
): Promise<Map<string, KnownTask>> {
  const rows = await session.rows(`SELECT ${listed}, digest FROM ${schema}.task WHERE project = $1`, project);
  const known = new Map<string, KnownTask>();
  const others: string[] = [];
  for (const row of rows) {
    const task = readListedRow(row);
    const payload = payloads.get(task.id);
    if (payload === undefined || digestOf(payload) !== row['digest']) others.push(task.id);
    known.set(task.id, { ...task, payload: payload ?? '', isOurs: true });
  }
  const found = await session.rows(
    `SELECT id, payload FROM ${schema}.task WHERE project = $1 AND id = ANY ($2)`,
    project,
    others.filter((id) => payloads.has(id)),
  );
  for (const row of found) {
    const task = known.get(String(row['id']));
    if (task !== undefined) known.set(task.id, { ...task, payload: String(row['payload']) });
  }
  return known;
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
  return createHash('sha256').update(payload).digest('hex');
}
