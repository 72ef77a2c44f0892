import { setTimeout as sleep } from 'node:timers/promises';
import { setSafePath } from '../../postgres/search-path.ts';
import type { SqlRow, SqlSession } from '../../host/postgres/types.ts';
import { headColumns, queueText } from '../lock-queue.ts';
import { ask } from './ledger.ts';

/** Who holds up a session: follows the first blocker of each, then counts who waits for that one or behind the session. */
const headOfQueue = `
WITH RECURSIVE chain AS (
  SELECT $1::int AS pid, 0 AS depth
  UNION ALL
  SELECT (pg_blocking_pids(pid))[1], depth + 1 FROM chain WHERE depth < 50 AND cardinality(pg_blocking_pids(pid)) > 0
), head AS (SELECT pid, depth FROM chain ORDER BY depth DESC LIMIT 1)
SELECT head.pid::text AS pid, ${headColumns}, coalesce(left(a.query, 1000), '') AS statement,
  (SELECT count(*) FROM (SELECT DISTINCT pid FROM pg_locks WHERE NOT granted) AS w
    WHERE pg_blocking_pids(w.pid) && ARRAY[head.pid, $1::int]) AS waiters
FROM head LEFT JOIN pg_stat_activity AS a ON a.pid = head.pid
WHERE head.depth > 0`;

export interface LockWatch {
  /** Opens a second session: the watched one is busy. */
  readonly open: () => Promise<SqlSession>;
  /** Process id of the watched session's backend. */
  readonly backend: number;
  readonly onBlocked: (by: string) => void;
}

/**
 * Runs `work`, and while it takes long reports which session it waits for, each time that this changes. This is advice: if
 * the second session cannot be opened or is refused an answer, nothing is reported.
 */
export async function watchLocks<Result>(work: () => Promise<Result>, watch: LockWatch): Promise<Result> {
  const ended = new AbortController();
  const watching = report(watch, ended.signal).catch(() => undefined);
  try {
    return await work();
  } finally {
    ended.abort();
    await watching;
  }
}

/** One short session for each look: a file may run for hours, and connections are scarce. */
async function report({ open, backend, onBlocked }: LockWatch, signal: AbortSignal): Promise<void> {
  let told: string | undefined;
  for (let round = 0; ; round += 1) {
    await sleep(Math.min(1_000 + 500 * round, 15_000), undefined, { signal });
    const session = await open();
    try {
      await ask(session, setSafePath);
      const [row] = await ask(session, headOfQueue, [String(backend)]);
      const by = row === undefined ? undefined : textOf(row);
      if (by !== undefined && by !== told) onBlocked(by);
      told = by ?? told;
    } finally {
      await session.close();
    }
  }
}

function textOf(row: SqlRow): string {
  const { pid, role, database, application, state, since, statement } = row;
  const head = {
    pid: Number(pid),
    role: role ?? '',
    database: database ?? '',
    application: application ?? '',
    state: state ?? '',
    since: since ?? '',
    statement: statement ?? '',
  };
  return queueText(head, Number(row['waiters']));
}
