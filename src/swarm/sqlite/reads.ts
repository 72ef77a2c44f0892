import { parseJson } from '../../util/json.ts';
import { eventOf, outcomeOf, taskOf } from '../rows.ts';
import type { Page } from '../store.ts';
import type { Gate, SwarmEvent, SwarmStats, SwarmTask, TaskFilter, TaskOutcome } from '../types.ts';
import { limitWindow, spentLimits } from '../rules.ts';
import { dependenciesIn, type Facts, handedOutIn, limitsIn, statsFrom, waitingOf, type WorkerRow } from '../views.ts';
import { type Queue, readTaskRow, type TaskRow } from './rows.ts';

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
  const facts = factsOf(queue);
  return rows.map((row) => taskOf(row, waitingOf(row, facts)));
}

export function viewOf(queue: Queue, row: TaskRow): SwarmTask {
  return taskOf(row, waitingOf(row, factsOf(queue)));
}

/** What explains why tasks wait. */
function factsOf(queue: Queue): Facts {
  const { database, project, now } = queue;
  const at = now().toISOString();
  const taken = database.all("SELECT serial_key FROM task WHERE state = 'claimed' AND lease_until > ?", at);
  const before = database.all(
    `SELECT task_after.id AS id, after FROM task_after LEFT JOIN task ON task.project = task_after.project AND task.id = after
     WHERE task_after.project = ? AND coalesce(task.state, 'open') NOT IN ('done', 'withdrawn') ORDER BY after`,
    project,
  );
  return {
    at,
    takenKeys: new Set(taken.map((row) => String(row['serial_key']))),
    before: dependenciesIn(before),
    gates: gatesOf(queue),
    ...limitsNow(queue),
  };
}

/** The limits, and those of them that allow no further task now. */
export function limitsNow({ database, project, now }: Queue): Pick<Facts, 'limits' | 'spent'> {
  const limits = limitsIn(
    database.all('SELECT scope, per_hour, since FROM hour_limit WHERE project = ? ORDER BY scope', project),
  );
  if (limits.length === 0) return { limits, spent: [] };
  const handedOut = database.all(
    `WITH recent AS (
       SELECT * FROM event INDEXED BY event_of_claim
       WHERE project = ? AND type IN ('claimed', 'released') AND at > ?
     )
     SELECT recent.at, task.id, kind, handler, component, engine
     FROM recent JOIN task ON task.project = recent.project AND task.id = recent.subject
     WHERE recent.type = 'claimed' AND recent.token NOT IN (SELECT token FROM recent WHERE type = 'released')`,
    project,
    new Date(now().getTime() - limitWindow).toISOString(),
  );
  return { limits, spent: spentLimits(limits, handedOutIn(handedOut)) };
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
  const counted = database.all(
    'SELECT result, count(*) AS number FROM outcome WHERE project = ? GROUP BY result',
    project,
  );
  const outcomes = new Map(counted.map((row) => [String(row['result']), Number(row['number'])]));
  return statsFrom(rows, factsOf(queue), outcomes, workersOf(queue));
}

function workersOf({ database, project }: Queue): readonly WorkerRow[] {
  return database.all('SELECT * FROM worker WHERE project = ? ORDER BY name', project).map((row) => ({
    name: String(row['name']),
    host: String(row['host']),
    pid: Number(row['pid']),
    handlers: namesIn(row['handlers']),
    engines: namesIn(row['engines']),
    draining: row['draining'] !== 0,
    seenAt: String(row['seen_at']),
  }));
}

function namesIn(list: unknown): readonly string[] {
  const found = parseJson(String(list));
  return Array.isArray(found) ? found.filter((name) => typeof name === 'string') : [];
}
