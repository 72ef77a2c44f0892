import { ProblemsError } from '../../errors.ts';
import type { SqlSession } from '../../host/types.ts';
import { indexOfFile } from '../effects.ts';
import type { Migration } from '../files.ts';
import { runnableOf } from '../mode.ts';
import type { LedgerRow } from '../status.ts';
import { ask, queryAsTheirs } from './asking.ts';
import { dropInvalidIndex, indexOf } from '../runner/indexes.ts';
import { findTables, makeTables, writeState } from '../runner/ledger.ts';

/**
 * Builds the index of a file that the ledger lists as applied, where it is not there: `IF NOT EXISTS` had taken an
 * invalid one for it. The session holds the lock.
 */
export async function buildIndexAgain(session: SqlSession, migration: Migration): Promise<void> {
  const named = indexOfFile(migration);
  if (named === undefined || (await indexOf(session, named)) !== undefined) return;
  await ask(session, 'SET lock_timeout = 0');
  const built = await queryAsTheirs(session, migration.sql);
  const index = await indexOf(session, named);
  if (index?.isSound === true) return;
  if (index !== undefined) await dropInvalidIndex(session, index);
  const words = built.ok ? 'the index is invalid' : `${built.sqlstate ?? ''} ${built.message}`.trim();
  throw new ProblemsError('step-refused', `${migration.name}: ${words}`);
}

/**
 * Takes back what applying a file did, where that loses nothing: the index that it built, and its rows. What a file did
 * in a transaction stays (PGOPS §5.4: never a step back over data by itself). The session holds the lock.
 */
export async function takeBackIndex(
  session: SqlSession,
  migration: Migration,
  before: { readonly row: LedgerRow | null; readonly listed: boolean },
): Promise<void> {
  const named = indexOfFile(migration);
  if (named === undefined) return;
  const index = await indexOf(session, named);
  await ask(session, 'SET lock_timeout = 0');
  if (index !== undefined) await ask(session, `DROP INDEX CONCURRENTLY ${index.name}`);
  await takeBackRows(session, migration, before);
}

/** Lists a file as applied that was not run. The session holds the lock. */
export async function recordAsDone(session: SqlSession, migration: Migration, runner: string): Promise<void> {
  const tables = await findTables(session);
  if (!tables.versionsExist || !tables.statesExist) await makeTables(session, tables);
  const runnable = runnableOf(migration.sql);
  const mode = 'mode' in runnable ? runnable.mode : 'tx';
  await writeState(session, tables, migration, { mode, state: 'done', runner });
}

/** The rows of a file as they were before. The session holds the lock. */
export async function takeBackRows(
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
