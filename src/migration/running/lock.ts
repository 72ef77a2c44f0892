import { setTimeout as sleep } from 'node:timers/promises';
import type { SqlSession } from '../../host/types.ts';
import { ask } from './asking.ts';
import type { MigrateProgress } from '../runner/types.ts';

/** One runner for each database (PGOPS §5.2). Advisory locks are the database's own: elsewhere it is another lock. */
const lockKey = `pg_catalog.hashtextextended('pgops:migrate:' || pg_catalog.current_database(), 0)`;

/** Rows of `pg_locks` that are this lock, granted. */
function thisLock(key: string): string {
  return `locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
    AND ((classid::bigint << 32) | objid::bigint) = ${key}`;
}

/** Who holds the lock now: sessions of the database that this is asked in. */
export function lockHolders(key = lockKey): string {
  return `SELECT a.pid::text AS pid, a.application_name AS application, a.backend_start::text AS since
  FROM (SELECT pid FROM pg_catalog.pg_locks WHERE ${thisLock(key)}) AS l JOIN pg_catalog.pg_stat_activity AS a USING (pid)`;
}

export interface Waiting {
  readonly waitMs: number;
  readonly stop: AbortSignal | undefined;
  readonly onProgress: (progress: MigrateProgress) => void;
}

/**
 * Takes the lock by asking again and again. A session that waits inside `pg_advisory_lock` holds a snapshot, for which
 * CREATE INDEX CONCURRENTLY of the holder waits in turn: a deadlock, and an invalid index (PGOPS §0.12).
 * @returns undefined once it is taken, else who holds it.
 */
export async function takeLock(
  session: SqlSession,
  { waitMs, stop, onProgress }: Waiting,
  key = lockKey,
): Promise<string | undefined> {
  const until = performance.now() + waitMs;
  let told: string | undefined;
  for (let round = 0; ; round += 1) {
    const [row] = await ask(session, `SELECT pg_catalog.pg_try_advisory_lock(${key}) AS taken`);
    if (row?.['taken'] === 't') return undefined;
    if (round % 10 === 3) {
      const [holder] = await ask(session, lockHolders(key));
      const said = holder === undefined ? undefined : `${holder['application'] ?? ''} (process ${holder['pid'] ?? ''})`;
      if (said !== undefined && said !== told) onProgress({ type: 'waiting', holder: said });
      told = said ?? told;
    }
    if (performance.now() > until || stop?.aborted === true) return told ?? 'another runner';
    // Jitter: those who came at once do not ask at once for ever.
    await sleep(Math.min(50 * (round + 1), 400) * (0.5 + Math.random()));
  }
}

/** A file may have given it up, or the session is not the one it was: then nothing more is run on it. */
export async function holdsLock(session: SqlSession): Promise<boolean> {
  const [row] = await ask(
    session,
    `SELECT count(*) AS held FROM pg_catalog.pg_locks WHERE pid = pg_catalog.pg_backend_pid() AND ${thisLock(lockKey)}`,
  );
  return row?.['held'] === '1';
}
