import { setTimeout as sleep } from 'node:timers/promises';
import { ProblemsError } from '../../errors.ts';
import { quoteIdentifier } from '../../util/quote.ts';
import { databasePath, setSafePath } from '../../postgres/search-path.ts';
import type { SqlRow, SessionResult, SqlSession, TableToRead } from '../../host/postgres/types.ts';
import type { Mode } from '../classify.ts';
import type { Migration } from '../files.ts';
import type { Ledger, LedgerRow } from '../status.ts';
import type { MigrateProgress } from './types.ts';

export type Refusal = Extract<SessionResult, { readonly ok: false }>;

/**
 * Runs a statement of the runner and returns its rows.
 * @throws ProblemsError `engine-unreachable` if the connection is lost, else `step-refused`.
 */
export async function ask(session: SqlSession, sql: string, values?: readonly string[]): Promise<readonly SqlRow[]> {
  const answer = await session.query(sql, values);
  if (answer.ok) return answer.rows;
  throw errorOf(answer);
}

export function errorOf({ lost, sqlstate, message }: Refusal): ProblemsError {
  return new ProblemsError(lost ? 'engine-unreachable' : 'step-refused', `${sqlstate ?? ''} ${message}`.trim());
}

/** Whether the connection was lost. The last statement may have taken effect, which only the ledger tells. */
export function isConnectionLoss(error: unknown): boolean {
  return error instanceof ProblemsError && error.code === 'engine-unreachable';
}

/**
 * Resets a session to its first state, except its locks, so that settings of one file do not affect the next. Timeouts that
 * would interrupt a migration are off; waits for locks are short, since all later readers of the table wait too.
 */
export async function resetSession(session: SqlSession, lockTimeoutMs: number): Promise<void> {
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

/** Whether the role of a session is a superuser, with its name. */
export const sessionRole = 'SELECT rolname, rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user';

/**
 * Opens a session as the role that is named for it; without one, as the instance's user.
 * @throws ProblemsError `step-refused`: no role is named, and the user is a superuser. Triggers and defaults that other roles
 * have put on their tables would run with its rights.
 */
export async function openAs(
  role: string | undefined,
  open: (login: { readonly user?: string }) => Promise<SqlSession>,
): Promise<SqlSession> {
  if (role !== undefined) return open({ user: role });
  const session = await open({});
  try {
    const [row] = await ask(session, sessionRole);
    if (row?.['rolsuper'] === 'f') return session;
    throw superuserRefusal(row?.['rolname'] ?? 'The role');
  } catch (error) {
    await session.close();
    throw error;
  }
}

export function superuserRefusal(role: string): ProblemsError {
  return new ProblemsError('step-refused', `${role} is a superuser, and migrations run as one only if you say so.`, {
    hint: `Name the role that owns the tables with --role, or in remediation.settings.migration-lock.roles. To migrate as ${role}, name it there.`,
  });
}

/** Runs SQL of the application with the search_path of the database, then goes back to the safe one. */
export async function queryWithDatabasePath(session: SqlSession, sql: string): Promise<SessionResult> {
  await ask(session, 'RESET search_path');
  const answer = await session.query(sql);
  if (answer.ok || !answer.lost) await ask(session, setSafePath);
  return answer;
}

/** The full names of the two tables. Other tools share `schema_migrations`; checksums and states are in our own table. */
export interface LedgerTables {
  readonly schema: string;
  readonly versions: string;
  readonly states: string;
  readonly versionsExist: boolean;
  readonly statesExist: boolean;
}

/** Finds their schema: that of `schema_migrations`, or else the one in which an unqualified name would be created. */
const ledgerPlace = `WITH ${databasePath}, known AS MATERIALIZED (
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

/** @throws ProblemsError `step-refused`: another tool's table of that name cannot store our versions. */
export async function findTables(session: SqlSession): Promise<LedgerTables> {
  const [row] = await ask(session, ledgerPlace);
  return tablesOf(row);
}

/** Whether `schema_migrations` is a table of another tool, such as golang-migrate, that cannot store our versions. */
function isForeign(row: Readonly<Record<string, string | null>>): boolean {
  const isTable = row['tables'] !== 'f' && row['versions'] === 't';
  return isTable && (row['category'] !== 'S' || (row['demanding'] ?? null) !== null);
}

/** Reads the answer to `ledgerPlace`. Throws like `findTables`. */
function tablesOf(row: Readonly<Record<string, string | null>> | undefined): LedgerTables {
  const schema = row?.['schema'] ?? 'public';
  const versions = `${quoteIdentifier(schema)}.schema_migrations`;
  // Reading a view would run its functions with our rights.
  if (row?.['tables'] === 'f')
    throw new ProblemsError('step-refused', `${versions}, or problems_migrations in the same schema, is not a table.`, {
      hint: 'Rename it.',
    });
  if (row !== undefined && isForeign(row))
    throw new ProblemsError(
      'step-refused',
      `${versions} belongs to another tool: ${row['category'] === 'S' ? `its rows need ${row['demanding'] ?? ''} as well` : 'its version is not text'}.`,
      { hint: 'Migrate with that tool, or into a separate database.' },
    );
  return {
    schema,
    versions,
    states: `${quoteIdentifier(schema)}.problems_migrations`,
    versionsExist: row?.['versions'] === 't',
    statesExist: row?.['states'] === 't',
  };
}

/** Needs the lock: IF NOT EXISTS alone does not protect against other sessions that do the same. */
export async function createTables(session: SqlSession, { versions, states }: LedgerTables): Promise<void> {
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

const columns = ['version', 'sha256', 'mode', 'state', 'started_at', 'runner', 'error'] as const;

/**
 * Reads the ledger without a session and without running code of the tables' owner. Empty if `schema_migrations` belongs to
 * another tool. Throws like `findTables` if it is no table.
 */
export async function readLedgerSafely(reader: {
  readonly query: (sql: string) => Promise<Rows>;
  readonly readTables: (tables: readonly TableToRead[]) => Promise<Rows>;
}): Promise<Ledger> {
  const [place] = await reader.query(ledgerPlace);
  if (place !== undefined && isForeign(place)) return { versions: new Set(), rows: new Map() };
  const { schema, versionsExist, statesExist } = tablesOf(place);
  const tables = [
    ...(versionsExist ? [{ schema, name: 'schema_migrations', columns: ['version'] }] : []),
    ...(statesExist ? [{ schema, name: 'problems_migrations', columns }] : []),
  ];
  return ledgerOf(tables.length === 0 ? [] : await reader.readTables(tables));
}

/** Reads both tables in one statement: between two, another runner could write to both. */
function ledgerQuery({ versions, states, versionsExist, statesExist }: LedgerTables): string {
  const others = columns.slice(1);
  const listed = `SELECT 'schema_migrations' AS table, version::text AS version, ${others.map((name) => `NULL AS ${name}`).join(', ')} FROM ${versions}`;
  const own = `SELECT 'problems_migrations', version, ${others.map((name) => `${name}::text`).join(', ')} FROM ${states}`;
  const parts = [...(versionsExist ? [listed] : []), ...(statesExist ? [own] : [])];
  return parts.length === 0 ? `SELECT 'none' AS table` : parts.join(' UNION ALL ');
}

export async function readLedger(session: SqlSession, tables: LedgerTables): Promise<Ledger> {
  return ledgerOf(await ask(session, ledgerQuery(tables)));
}

type Rows = readonly Readonly<Record<string, string | null>>[];

/** From the rows of both tables, each with the name of its table. */
function ledgerOf(rows: Rows): Ledger {
  return {
    versions: new Set(rows.filter(({ table }) => table === 'schema_migrations').map((row) => row['version'] ?? '')),
    rows: new Map(
      rows.filter(({ table }) => table === 'problems_migrations').map((row) => [row['version'] ?? '', rowOf(row)]),
    ),
  };
}

function rowOf(row: Rows[number]): LedgerRow {
  const state = row['state'];
  return {
    version: row['version'] ?? '',
    sha256: row['sha256'] ?? '',
    mode: row['mode'] ?? '',
    state: state === 'done' || state === 'failed' ? state : 'started',
    startedAt: row['started_at'] ?? '',
    runner: row['runner'] ?? '',
    error: row['error'] ?? null,
  };
}

/** Writes the state of a file, replacing an earlier one. `done` also adds it to `schema_migrations`. */
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
 * One runner for each database (docs/engineering/migrations.md#advisory-locks). Each
 * database has its own advisory locks.
 */
const lockKey = `pg_catalog.hashtextextended('pgops:migrate:' || pg_catalog.current_database(), 0)`;

/** The condition for rows of `pg_locks` in which this lock is granted. */
function lockCondition(key: string): string {
  return `locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
    AND ((classid::bigint << 32) | objid::bigint) = ${key}`;
}

/** The sessions of the current database that hold the lock. */
export function lockHolders(key = lockKey): string {
  return `SELECT a.pid::text AS pid, a.application_name AS application, a.backend_start::text AS since
  FROM (SELECT pid FROM pg_catalog.pg_locks WHERE ${lockCondition(key)}) AS l JOIN pg_catalog.pg_stat_activity AS a USING (pid)`;
}

export interface Waiting {
  readonly waitMs: number;
  readonly stop: AbortSignal | undefined;
  readonly onProgress: (progress: MigrateProgress) => void;
}

/**
 * Takes the lock by polling. A session that waits in `pg_advisory_lock` holds a snapshot, and the holder's CREATE INDEX
 * CONCURRENTLY would wait for it: a deadlock, and an invalid index
 * (docs/engineering/migrations.md#waiting-for-the-lock).
 * @returns undefined when the lock is taken, else its holder.
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
    // Jitter keeps runners that started together from polling together.
    await sleep(Math.min(50 * (round + 1), 400) * (0.5 + Math.random()));
  }
}

/** False if a file has released the lock or the session is another one: then nothing more may run on it. */
export async function holdsLock(session: SqlSession): Promise<boolean> {
  const [row] = await ask(
    session,
    `SELECT count(*) AS held FROM pg_catalog.pg_locks WHERE pid = pg_catalog.pg_backend_pid() AND ${lockCondition(lockKey)}`,
  );
  return row?.['held'] === '1';
}
