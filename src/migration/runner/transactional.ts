import { setTimeout as sleep } from 'node:timers/promises';
import { setSafePath } from '../../postgres/search-path.ts';
import type { Runnable } from '../classify.ts';
import { type Applied, backoff, failed, isLostRace, type MigrationContext } from './context.ts';
import { ask, errorOf, type Refusal, writeState } from './ledger.ts';
import { problem } from './types.ts';

/**
 * Applies a file in one transaction, together with its rows in both tables. The rows are written first, to meet migrations
 * without our lock at once, and before the file can set a role or search path.
 */
export async function applyInTransaction(
  work: MigrationContext,
  { sql }: Extract<Runnable, { mode: 'tx' }>,
): Promise<Applied> {
  const { session, migration, onProgress, runner } = work;
  const { version } = migration;
  const began = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    onProgress({ type: 'running', version, mode: 'tx', attempt });
    const refusal = await tryOnce(work, sql);
    if (refusal === undefined)
      return { applied: { version, mode: 'tx', attempts: attempt, durationMs: Math.round(performance.now() - began) } };
    if (refusal === 'left')
      return {
        problem: problem(
          version,
          'The file ended its transaction; earlier changes may have been committed.',
          'Check which changes exist, and leave transactions to the runner.',
        ),
      };
    if (refusal !== 'listed' && refusal.lost) throw errorOf(refusal);
    await ask(session, 'ROLLBACK');
    if (refusal === 'listed') return { readAgain: true };
    if (isLostRace(refusal) && attempt < work.attempts) {
      const inMs = backoff(attempt);
      onProgress({ type: 'again', version, message: refusal.message, inMs });
      await sleep(inMs);
      continue;
    }
    const error = `${refusal.sqlstate ?? ''} ${refusal.message}`.trim().slice(0, 2_000);
    await writeState(session, work.tables, migration, { mode: 'tx', state: 'failed', runner, error });
    return { problem: failed(work, sql, refusal) };
  }
}

async function tryOnce(
  { session, tables, migration, runner, point }: MigrationContext,
  sql: string,
): Promise<Refusal | 'listed' | 'left' | undefined> {
  const { version, name, sha256 } = migration;
  await ask(session, 'BEGIN');
  await point(`${version} begun`);
  const listed = await session.query(`INSERT INTO ${tables.versions} (version) VALUES ($1)`, [version]);
  if (!listed.ok) return listed.sqlstate === '23505' ? 'listed' : listed;
  const written = await session.query(
    `INSERT INTO ${tables.states} (version, name, sha256, mode, state, runner) VALUES ($1, $2, $3, 'tx', 'done', $4)
     ON CONFLICT (version) DO UPDATE SET name = excluded.name, sha256 = excluded.sha256, mode = 'tx', state = 'done',
       runner = excluded.runner, error = NULL, started_at = clock_timestamp(), finished_at = NULL
     RETURNING pg_catalog.txid_current()::text AS transaction`,
    [version, name, sha256, runner],
  );
  if (!written.ok) return written;
  await point(`${version} listed`);
  // Until the end of the transaction, or until the file sets another path.
  await ask(session, 'SET LOCAL search_path = DEFAULT');
  const ran = await session.query(sql);
  if (!ran.ok) return ran;
  await point(`${version} run`);
  const after = await session.query(
    `SET LOCAL SESSION AUTHORIZATION DEFAULT; ${setSafePath}; SELECT pg_catalog.txid_current_if_assigned()::text AS transaction`,
  );
  if (!after.ok) return after;
  if (after.rows[0]?.['transaction'] !== written.rows[0]?.['transaction']) return 'left';
  const finished = await session.query(
    `UPDATE ${tables.states} SET finished_at = clock_timestamp() WHERE version = $1`,
    [version],
  );
  if (!finished.ok) return finished;
  const committed = await session.query('COMMIT');
  if (!committed.ok) return committed;
  await point(`${version} committed`);
  return undefined;
}
