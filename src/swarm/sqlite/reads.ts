import { parseJson } from '../../util/json.ts';
import { scopesOf, waitingFor } from '../rules.ts';
import type { Page } from '../store.ts';
import {
  type Gate,
  type SwarmEvent,
  type SwarmStats,
  type SwarmTask,
  type TaskFilter,
  type TaskOutcome,
  type Waiting,
  type Worker,
} from '../types.ts';
import { eventOf, outcomeOf, type Queue, readTaskRow, taskOf, type TaskRow } from './rows.ts';

/** Each is called within one transaction, so that it shows one state of the queue. */

export function listTasks(queue: Queue, { ids, states, automation }: TaskFilter = {}): readonly SwarmTask[] {
  const { database, project } = queue;
  const rows = database
    .all('SELECT * FROM task WHERE project = ? ORDER BY score DESC, tie', project)
    .map(readTaskRow)
    .filter(
      (row) =>
        (ids === undefined || ids.includes(row.id)) &&
        (states === undefined || states.includes(row.state)) &&
        (automation === undefined || row.automation === automation),
    );
  const situations = situationsOf(queue);
  return rows.map((row) => taskOf(row, situations(row)));
}

export function viewOf(queue: Queue, row: TaskRow): SwarmTask {
  return taskOf(row, situationsOf(queue)(row));
}

/** Why each open task waits, by the same rules that decide about a claim. */
function situationsOf(queue: Queue): (row: TaskRow) => Waiting | null {
  const { database, project, now } = queue;
  const at = now().toISOString();
  const taken = new Set(
    database
      .all("SELECT serial_key FROM task WHERE state = 'claimed' AND lease_until > ?", at)
      .map((row) => String(row['serial_key'])),
  );
  const before = Map.groupBy(
    database.all(
      `SELECT task_after.id AS id, after FROM task_after LEFT JOIN task ON task.project = task_after.project AND task.id = after
       WHERE task_after.project = ? AND coalesce(task.state, 'open') NOT IN ('done', 'withdrawn') ORDER BY after`,
      project,
    ),
    (row) => String(row['id']),
  );
  const gates = gatesOf(queue);
  return (row) => {
    if (row.state !== 'open') return null;
    const scopes = scopesOf(row);
    return waitingFor(
      {
        automation: row.handler === 'person' ? 'human' : row.automation,
        isApproved: row.approved_by !== null,
        before: (before.get(row.id) ?? []).map((other) => String(other['after'])),
        notBefore: row.not_before,
        gates: gates.filter(({ scope }) => scopes.includes(scope)),
        serialKey: row.serial_key,
        isKeyTaken: taken.has(row.serial_key),
      },
      at,
    );
  };
}

export function gatesOf({ database, project }: Queue): readonly Gate[] {
  return database
    .all('SELECT scope, why, since FROM gate WHERE project = ? ORDER BY scope', project)
    .map((row) => ({ scope: String(row['scope']), why: String(row['why']), since: String(row['since']) }));
}

export function eventsAfter(
  { database, project }: Queue,
  { after = 0, limit = 1_000 }: Page = {},
): readonly SwarmEvent[] {
  return database
    .all('SELECT * FROM event WHERE project = ? AND seq > ? ORDER BY seq LIMIT ?', project, after, limit)
    .map(eventOf);
}

export function outcomesAfter(
  { database, project }: Queue,
  { after = 0, limit = 1_000, task }: Page & { readonly task?: string } = {},
): readonly TaskOutcome[] {
  const rows =
    task === undefined
      ? database.all('SELECT * FROM outcome WHERE project = ? AND seq > ? ORDER BY seq LIMIT ?', project, after, limit)
      : database.all(
          'SELECT * FROM outcome WHERE project = ? AND task = ? AND seq > ? ORDER BY seq LIMIT ?',
          project,
          task,
          after,
          limit,
        );
  return rows.map(outcomeOf);
}

export function statsOf(queue: Queue): SwarmStats {
  const { database, project } = queue;
  const rows = database.all('SELECT * FROM task WHERE project = ?', project).map(readTaskRow);
  const situations = situationsOf(queue);
  const states = counter(rows.map(({ state }) => state));
  const reasons = counter(rows.filter(({ state }) => state === 'open').map((row) => situations(row)?.for));
  const counted = database.all(
    'SELECT result, count(*) AS number FROM outcome WHERE project = ? GROUP BY result',
    project,
  );
  const results = new Map(counted.map((row) => [String(row['result']), Number(row['number'])]));
  return {
    tasks: {
      open: states('open'),
      claimed: states('claimed'),
      done: states('done'),
      withdrawn: states('withdrawn'),
      cancelled: states('cancelled'),
      person: states('person'),
      dead: states('dead'),
    },
    ready: reasons(undefined),
    waiting: {
      person: reasons('person'),
      approval: reasons('approval'),
      tasks: reasons('tasks'),
      time: reasons('time'),
      gate: reasons('gate'),
      key: reasons('key'),
    },
    outcomes: { done: results.get('done') ?? 0, failed: results.get('failed') ?? 0 },
    gates: gatesOf(queue),
    workers: workersOf(queue, rows),
  };
}

function counter<Key>(found: readonly Key[]): (key: Key) => number {
  const groups = Map.groupBy(found, (key) => key);
  return (key) => groups.get(key)?.length ?? 0;
}

function workersOf({ database, project }: Queue, rows: readonly TaskRow[]): readonly Worker[] {
  const held = Map.groupBy(
    rows.filter(({ state }) => state === 'claimed'),
    ({ worker }) => worker,
  );
  return database.all('SELECT * FROM worker WHERE project = ? ORDER BY name', project).map((row) => ({
    name: String(row['name']),
    host: String(row['host']),
    pid: Number(row['pid']),
    handlers: namesIn(row['handlers']),
    engines: namesIn(row['engines']),
    draining: row['draining'] !== 0,
    seenAt: String(row['seen_at']),
    holds: (held.get(String(row['name'])) ?? []).map(({ id }) => id).toSorted(),
  }));
}

function namesIn(list: unknown): readonly string[] {
  const found = parseJson(String(list));
  return Array.isArray(found) ? found.filter((name) => typeof name === 'string') : [];
}
