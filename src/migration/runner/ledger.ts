import { setTimeout as sleep } from 'node:timers/promises';
import { ProblemsError } from '../../errors.ts';
import { quoteIdentifier } from '../../util/quote.ts';
import { databasePath, setSafePath } from '../../postgres/search-path.ts';
import type { SqlRow, SessionResult, SqlSession } from '../../host/postgres/types.ts';
import type { Mode } from '../classify.ts';
import type { Migration } from '../files.ts';
import type { Ledger, LedgerRow } from '../status.ts';
import type { MigrateProgress } from './types.ts';

export type Refusal = Extract<SessionResult, { readonly ok: false }>;

/**
 * A statement of the runner's own, which is to succeed.
 * @throws ProblemsError `engine-unreachable` where the connection is gone, else `step-refused`.
 */
export async function ask(session: SqlSession, sql: string, values?: readonly string[]): Promise<readonly SqlRow[]> {
  const answer = await session.query(sql, values);
  if (answer.ok) return answer.rows;
  throw errorOf(answer);
}

export function errorOf({ lost, sqlstate, message }: Refusal): ProblemsError {
  return new ProblemsError(lost ? 'engine-unreachable' : 'step-refused', `${sqlstate ?? ''} ${message}`.trim());
}

/** Whether a connection was lost: what was under way may have taken effect, and only the ledger knows. */
export function isLoss(error: unknown): boolean {
  return error instanceof ProblemsError && error.code === 'engine-unreachable';
}

/**
 * Makes a session as it was when it was opened, but for its locks: what one file sets is nothing to the next. Whatever
 * would cut a migration short by time is off; a lock is waited for only so long, since whoever comes later waits too.
 */
export async function freshen(session: SqlSession, lockTimeoutMs: number): Promise<void> {
  await ask(
    session,
    `SET SESSION AUTHORIZATION DEFAULT; RESET ALL; ${setSafePath}; CLOSE ALL; UNLISTEN *; DEALLOCATE ALL;
     DISCARD PLANS; DISCARD TEMP; DISCARD SEQUENCES;
     SELECT set_config(name, '0', false) FROM pg_catalog.pg_settings
       WHERE name IN ('statement_timeout', 'transaction_timeout', 'idle_session_timeout', 'idle_in_transaction_session_timeout');
     SET standard_conforming_strings = on; SET client_min_messages = warning;
     SET default_transaction_isolation = 'read committed'; SET default_transaction_deferrable = off;
     SET lock_timeout = ${Math.trunc(lockTimeoutMs)}`,
  );
}

/** A text of the application's own: its names are found by the database's path, and ours by our own again behind it. */
export async function queryAsTheirs(session: SqlSession, sql: string): Promise<SessionResult> {
  await ask(session, 'RESET search_path');
  const answer = await session.query(sql);
  if (answer.ok || !answer.lost) await ask(session, setSafePath);
  return answer;
}

/** The two tables, by their full names. `schema_migrations` is every tool's; checksums and states are in one of our own. */
export interface LedgerTables {
  readonly versions: string;
  readonly states: string;
  readonly versionsExist: boolean;
  readonly statesExist: boolean;
}

/** Where they are, or would be: beside `schema_migrations` as an unqualified name finds it, else where one would be made. */
export const ledgerPlace = `WITH ${databasePath}, known AS MATERIALIZED (
    SELECT pg_catalog.to_regclass('schema_migrations')::oid AS oid, pg_catalog.current_schema() AS here FROM own WHERE own.set)
  SELECT coalesce(n.nspname, known.here, 'public') AS schema,
    c.oid IS NOT NULL AS versions, o.oid IS NOT NULL AS states,
    coalesce(c.relkind, 'r') IN ('r', 'p') AND coalesce(o.relkind, 'r') IN ('r', 'p') AS tables,
    (SELECT t.typcategory FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
      WHERE a.attrelid = c.oid AND a.attname = 'version' AND NOT a.attisdropped) AS category,
    (SELECT string_agg(a.attname, ', ' ORDER BY a.attname) FROM pg_catalog.pg_attribute AS a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'version'
        AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = '') AS demanding
  FROM known
    LEFT JOIN pg_catalog.pg_class AS c ON c.oid = known.oid
    LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_class AS o
      ON o.relname = 'problems_migrations' AND o.relnamespace = coalesce(c.relnamespace, (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = known.here))`;

/** @throws ProblemsError `step-refused` where another tool's table of that name cannot hold our versions. */
export async function findTables(session: SqlSession): Promise<LedgerTables> {
  const [row] = await ask(session, ledgerPlace);
  return tablesOf(row);
}

/** Of what `ledgerPlace` answers. Throws as `findTables` does. */
export function tablesOf(row: Readonly<Record<string, string | null>> | undefined): LedgerTables {
  const schema = row?.['schema'] ?? 'public';
  const versions = `${quoteIdentifier(schema)}.schema_migrations`;
  // What a view calls is called with the rights of whoever reads it.
  if (row?.['tables'] === 'f')
    throw new ProblemsError('step-refused', `${versions}, or problems_migrations beside it, is no table.`, {
      hint: 'Give what is there another name.',
    });
  if (row?.['versions'] === 't') {
    const demanding = row['demanding'] ?? null;
    if (row['category'] !== 'S' || demanding !== null)
      throw new ProblemsError(
        'step-refused',
        `${versions} is another tool's table: ${row['category'] === 'S' ? `a row needs ${demanding} too` : 'its version is no text'}.`,
        { hint: 'Migrate with that tool, or into a database of its own.' },
      );
  }
  return {
    versions,
    states: `${quoteIdentifier(schema)}.problems_migrations`,
    versionsExist: row?.['versions'] === 't',
    statesExist: row?.['states'] === 't',
  };
}

/** Under the lock: IF NOT EXISTS alone is no protection against others who do the same. */
export async function makeTables(session: SqlSession, { versions, states }: LedgerTables): Promise<void> {
  await ask(
    session,
    `BEGIN;
     CREATE TABLE IF NOT EXISTS ${versions} (version varchar(255) PRIMARY KEY, applied_at timestamp DEFAULT now());
     CREATE TABLE IF NOT EXISTS ${states} (
       version varchar(255) PRIMARY KEY,
       name text NOT NULL,
       sha256 char(64) NOT NULL,
       mode text NOT NULL CHECK (mode IN ('tx', 'nontx')),
       state text NOT NULL CHECK (state IN ('started', 'done', 'failed')),
       started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
       finished_at timestamptz,
       runner text NOT NULL,
       error text
     );
     COMMIT`,
  );
}

/** Both tables in one statement: between two, another runner could write into both. */
export function readingLedger({ versions, states, versionsExist, statesExist }: LedgerTables): string {
  const listed = `SELECT 'listed' AS source, version::text AS version, NULL AS sha256, NULL AS mode, NULL AS state, NULL AS "startedAt", NULL AS runner, NULL AS error FROM ${versions}`;
  const own = `SELECT 'own', version, sha256, mode, state, started_at::text, runner, error FROM ${states}`;
  const parts = [...(versionsExist ? [listed] : []), ...(statesExist ? [own] : [])];
  return parts.length === 0 ? `SELECT 'none' AS source` : parts.join(' UNION ALL ');
}

export async function readLedger(session: SqlSession, tables: LedgerTables): Promise<Ledger> {
  return ledgerOf(await ask(session, readingLedger(tables)));
}

type Rows = readonly Readonly<Record<string, string | null>>[];

/** Of what `readingLedger` answers. */
export function ledgerOf(rows: Rows): Ledger {
  return {
    versions: new Set(rows.filter(({ source }) => source === 'listed').map((row) => row['version'] ?? '')),
    rows: new Map(rows.filter(({ source }) => source === 'own').map((row) => [row['version'] ?? '', rowOf(row)])),
  };
}

function rowOf(row: Rows[number]): LedgerRow {
  const state = row['state'];
  return {
    version: row['version'] ?? '',
    sha256: row['sha256'] ?? '',
    mode: row['mode'] ?? '',
    state: state === 'done' || state === 'failed' ? state : 'started',
    startedAt: row['startedAt'] ?? '',
    runner: row['runner'] ?? '',
    error: row['error'] ?? null,
  };
}

/** The row of a file in a state, in place of any other row of it. `done` lists it in `schema_migrations` as well. */
export async function writeState(
  session: SqlSession,
  { versions, states }: LedgerTables,
  { version, name, sha256 }: Migration,
  entry: { readonly mode: Mode; readonly state: LedgerRow['state']; readonly runner: string; readonly error?: string },
): Promise<void> {
  const finished = entry.state === 'started' ? 'NULL' : 'clock_timestamp()';
  const began = entry.state === 'started' ? 'clock_timestamp()' : 's.started_at';
  const listed = `, listed AS (INSERT INTO ${versions} (version) VALUES ($1) ON CONFLICT (version) DO NOTHING)`;
  await ask(
    session,
    `WITH written AS (
       INSERT INTO ${states} AS s (version, name, sha256, mode, state, runner, error, finished_at)
       VALUES ($1, $2, $3, $4, $5, $6, NULLIF($7, ''), ${finished})
       ON CONFLICT (version) DO UPDATE SET name = excluded.name, sha256 = excluded.sha256, mode = excluded.mode,
         state = excluded.state, runner = excluded.runner, error = excluded.error, started_at = ${began}, finished_at = ${finished}
       RETURNING 1
     )${entry.state === 'done' ? listed : ''}
     SELECT count(*) FROM written`,
    [version, name, sha256, entry.mode, entry.state, entry.runner, entry.error ?? ''],
  );
}

/**
 * One runner for each database (docs/engineering/migrations.md#advisory-locks). Advisory locks are the database's own:
 * elsewhere it is another lock.
 */
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
 * CREATE INDEX CONCURRENTLY of the holder waits in turn: a deadlock, and an invalid index
 * (docs/engineering/migrations.md#waiting-for-the-lock).
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
