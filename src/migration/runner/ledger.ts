import { ProblemsError } from '../../errors.ts';
import type { SqlSession } from '../../host/types.ts';
import type { Migration } from '../files.ts';
import type { Mode } from '../mode.ts';
import { databasePath } from '../search-path.ts';
import type { Ledger, LedgerRow } from '../status.ts';
import { ask, quoted } from '../running/asking.ts';

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
  const versions = `${quoted(schema)}.schema_migrations`;
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
    states: `${quoted(schema)}.problems_migrations`,
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
