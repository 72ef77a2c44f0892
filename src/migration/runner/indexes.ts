import { ProblemsError } from '../../errors.ts';
import { quoteIdentifier } from '../../util/quote.ts';
import { databasePath } from '../../postgres/search-path.ts';
import type { SqlSession } from '../../host/postgres/types.ts';
import { indexOfFile, runnableOf } from '../classify.ts';
import type { Migration } from '../files.ts';
import type { NamedObject } from '../objects.ts';
import type { LedgerRow } from '../status.ts';
import { ask, findTables, createTables, queryWithDatabasePath, writeState } from './ledger.ts';

export interface IndexState {
  readonly oid: string;
  /** Quoted, with its schema. */
  readonly name: string;
  readonly isSound: boolean;
  /** A session is building it or another index of its table. */
  readonly isBeingBuilt: boolean;
  readonly definition: string;
}

const stateQuery = `SELECT c.oid::text AS oid, format('%I.%I', n.nspname, c.relname) AS name,
    i.indisvalid AND i.indisready AND i.indislive AS sound, pg_catalog.pg_get_indexdef(c.oid) AS definition,
    EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS p
      WHERE p.datname = pg_catalog.current_database() AND (p.index_relid = c.oid OR p.relid = i.indrelid)) AS building
  FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace`;

/** The index that a `CREATE INDEX` names, if it exists on that table. */
export async function indexOf(
  session: SqlSession,
  { name, table }: Pick<NamedObject, 'name' | 'table'>,
): Promise<IndexState | undefined> {
  if (table === undefined) return undefined;
  const place = `${table.schema === undefined ? '' : `${quoteIdentifier(table.schema)}.`}${quoteIdentifier(table.name)}`;
  const found = `WITH ${databasePath}, wanted AS MATERIALIZED (SELECT pg_catalog.to_regclass($1)::oid AS oid FROM own WHERE own.set) ${stateQuery}
    JOIN wanted ON i.indrelid = wanted.oid WHERE c.relname = $2`;
  const rows = await ask(session, found, [place, name]);
  return stateOf(rows[0]);
}

/**
 * Drops an index if it is invalid and no session is building it, which is checked in the same session right before. An index
 * that is valid or gone is left alone.
 * @returns what happened to it.
 */
export async function dropInvalidIndex(
  session: SqlSession,
  { oid, name }: Pick<IndexState, 'oid' | 'name'>,
): Promise<'dropped' | 'gone' | 'sound' | 'building'> {
  const found = stateOf((await ask(session, `${stateQuery} WHERE c.oid = $1::oid`, [oid]))[0]);
  if (found === undefined || found.name !== name) return 'gone';
  if (found.isSound) return 'sound';
  if (found.isBeingBuilt) return 'building';
  // It blocks no other session while it waits.
  await ask(session, 'SET lock_timeout = 0');
  await ask(session, `DROP INDEX CONCURRENTLY ${found.name}`);
  return 'dropped';
}

function stateOf(row: Readonly<Record<string, string | null>> | undefined): IndexState | undefined {
  if (row === undefined) return undefined;
  return {
    oid: row['oid'] ?? '',
    name: row['name'] ?? '',
    isSound: row['sound'] === 't',
    isBeingBuilt: row['building'] === 't',
    definition: row['definition'] ?? '',
  };
}

/**
 * Builds the missing index of a file that the ledger lists as applied: `IF NOT EXISTS` had accepted an invalid one. The session
 * holds the lock.
 */
export async function buildIndexAgain(session: SqlSession, migration: Migration): Promise<void> {
  const named = indexOfFile(migration);
  if (named === undefined || (await indexOf(session, named)) !== undefined) return;
  await ask(session, 'SET lock_timeout = 0');
  const built = await queryWithDatabasePath(session, migration.sql);
  const index = await indexOf(session, named);
  if (index?.isSound === true) return;
  if (index !== undefined) await dropInvalidIndex(session, index);
  const words = built.ok ? 'the index is invalid' : `${built.sqlstate ?? ''} ${built.message}`.trim();
  throw new ProblemsError('step-refused', `${migration.name}: ${words}`);
}

/**
 * Undoes what applying a file did, as far as no data is lost: drops the index that it built, and restores its rows. What it did
 * in a transaction stays (docs/engineering/migrations.md#half-applied-migrations). The session holds the lock.
 */
export async function undoIndexBuild(
  session: SqlSession,
  migration: Migration,
  before: { readonly row: LedgerRow | null; readonly listed: boolean },
): Promise<void> {
  const named = indexOfFile(migration);
  if (named === undefined) return;
  const index = await indexOf(session, named);
  await ask(session, 'SET lock_timeout = 0');
  if (index !== undefined) await ask(session, `DROP INDEX CONCURRENTLY ${index.name}`);
  await restoreRows(session, migration, before);
}

/** Records a file as applied without running it. The session holds the lock. */
export async function recordAsDone(session: SqlSession, migration: Migration, runner: string): Promise<void> {
  const tables = await findTables(session);
  if (!tables.versionsExist || !tables.statesExist) await createTables(session, tables);
  const runnable = runnableOf(migration.sql);
  const mode = 'mode' in runnable ? runnable.mode : 'tx';
  await writeState(session, tables, migration, { mode, state: 'done', runner });
}

/** Restores the rows of a file in the ledger. The session holds the lock. */
export async function restoreRows(
  session: SqlSession,
  migration: Migration,
  before: { readonly row: LedgerRow | null; readonly listed: boolean },
): Promise<void> {
  const { versions, states, versionsExist, statesExist } = await findTables(session);
  const { version } = migration;
  if (versionsExist && !before.listed) await ask(session, `DELETE FROM ${versions} WHERE version = $1`, [version]);
  if (!statesExist) return;
  if (before.row === null) {
    await ask(session, `DELETE FROM ${states} WHERE version = $1`, [version]);
    return;
  }
  const { sha256, mode, state, runner, error } = before.row;
  await ask(
    session,
    `UPDATE ${states} SET sha256 = $2, mode = $3, state = $4, runner = $5, error = NULLIF($6, '') WHERE version = $1`,
    [version, sha256, mode, state, runner, error ?? ''],
  );
}

/**
 * A condition in SQL: a sound index has this name, with its schema, and another oid than it had, as after REINDEX CONCURRENTLY. Both
 * are expressions in SQL.
 */
export function isRebuilt({ oid, name }: { readonly oid: string; readonly name: string }): string {
  return `EXISTS (SELECT FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE format('%I.%I', n.nspname, c.relname) = ${name} AND c.oid <> ${oid}::oid
      AND i.indisvalid AND i.indisready AND i.indislive)`;
}
