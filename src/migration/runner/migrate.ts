import { setTimeout as sleep } from 'node:timers/promises';
import { ProblemsError } from '../../errors.ts';
import { compareText } from '../../util/compare.ts';
import type { SqlSession } from '../../host/postgres/types.ts';
import { type Runnable, runnableOf } from '../classify.ts';
import type { Migration } from '../files.ts';
import { type Ledger, outOfOrder, type MigrationStatus, migrationStatusOf } from '../status.ts';
import { type Applied, backoff, type MigrationContext } from './context.ts';
import {
  ask,
  findTables,
  resetSession,
  holdsLock,
  isConnectionLoss,
  createTables,
  readLedger,
  takeLock,
} from './ledger.ts';
import { watchLocks } from './lock-watch.ts';
import { applyNonTransactional } from './non-transactional.ts';
import { applyInTransaction } from './transactional.ts';
import {
  type AppliedMigration,
  type MigrateOptions,
  type MigrationProblem,
  type MigrationReport,
  problem,
} from './types.ts';

const maxLosses = 6;

/**
 * Applies the files to a database in the order of their names, each exactly once, even if others do the same: under the
 * database's lock, after reading the ledger under it. A file that fails ends the migration; files that were applied stay.
 * @throws ProblemsError: there is no way to the server, a pooler is in between, or `schema_migrations` belongs to another
 * tool.
 */
export async function migrate(migrations: readonly Migration[], options: MigrateOptions): Promise<MigrationReport> {
  const progress: Progressed = { applied: [], waitedMs: 0 };
  for (let loss = 1; ; loss += 1) {
    let session: SqlSession | undefined;
    try {
      session = await options.open(options.database);
      return await migrateOver(session, migrations, options, progress);
    } catch (error) {
      // The ledger tells whether the last file was applied: read it again.
      if (!isConnectionLoss(error) || loss >= maxLosses || options.stop?.aborted === true) throw error;
      options.onProgress?.({ type: 'reconnecting', message: error instanceof Error ? error.message : '' });
      await sleep(backoff(loss));
    } finally {
      await session?.close();
    }
  }
}

interface Progressed {
  readonly applied: AppliedMigration[];
  waitedMs: number;
}

async function migrateOver(
  session: SqlSession,
  migrations: readonly Migration[],
  options: MigrateOptions,
  progress: Progressed,
): Promise<MigrationReport> {
  const { waitMs = 600_000, lockTimeoutMs = 4_000, onProgress = ignore, stop, dryRun = false } = options;
  const point = async (name: string): Promise<void> => options.atPoint?.(name);
  await resetSession(session, lockTimeoutMs);
  await point('connected');
  const tables = await findTables(session);
  const before = await readLedger(session, tables);
  const report = reportOn(migrations, before, options.database, progress);
  const [standby] = await ask(session, 'SELECT pg_catalog.pg_is_in_recovery() AS standby');
  if (standby?.['standby'] === 't')
    return report('refused', [
      problem(null, 'This server is a standby and accepts no changes.', 'Migrate on its primary.'),
    ]);
  const todo = pendingOf(migrations, before);
  if (todo.length === 0) return report(progress.applied.length > 0 ? 'applied' : 'up-to-date');
  const problems = todo.flatMap((migration) => obstaclesOf(migration, before));
  if (problems.length > 0) return report('refused', problems);
  if (dryRun) return report('pending');

  const waitBegan = performance.now();
  const holder = await takeLock(session, { waitMs, stop, onProgress });
  progress.waitedMs += Math.round(performance.now() - waitBegan);
  if (holder !== undefined)
    return report('failed', [
      problem(
        null,
        `Another runner still holds the lock of this database: ${holder}.`,
        'Wait for it, or check in pg_stat_activity what it is waiting for.',
      ),
    ]);
  await point('locked');
  const made = await findTables(session);
  if (!made.versionsExist || !made.statesExist) await createTables(session, made);
  await point('tables made');
  const ready = { ...made, versionsExist: true, statesExist: true };
  const { runner, attempts = 8 } = options;
  const shared = { session, tables: ready, runner, attempts, lockTimeoutMs, onProgress, point };
  for (const migration of todo) {
    const ended =
      stop?.aborted === true ? ('stopped' as const) : await applyOne({ ...shared, migration }, options, progress);
    if (ended === 'applied') continue;
    const left = reportOn(migrations, await readLedger(session, ready), options.database, progress);
    return ended === 'stopped' ? left('pending') : left('failed', [ended]);
  }
  const after = await readLedger(session, ready);
  const outcome = progress.applied.length > 0 ? 'applied' : 'up-to-date';
  return reportOn(migrations, after, options.database, progress)(outcome);
}

/** Decides by the ledger, under the lock. If a migration without our lock is faster, the ledger is read again. */
async function applyOne(
  work: MigrationContext,
  options: MigrateOptions,
  { applied }: Progressed,
): Promise<'applied' | MigrationProblem> {
  const { session, tables, migration, lockTimeoutMs, onProgress } = work;
  for (;;) {
    if (!(await holdsLock(session)))
      throw new ProblemsError('engine-unreachable', 'This session has lost the lock of this database.');
    const ledger = await readLedger(session, tables);
    const { standing } = migrationStatusOf(migration, ledger);
    if (standing === 'applied' || standing === 'adopted') return 'applied';
    const runnable = runnableOf(migration.sql);
    const [obstacle] = obstaclesOf(migration, ledger);
    if (obstacle !== undefined || 'obstacles' in runnable)
      return obstacle ?? problem(migration.version, 'The file is refused.', '');
    let blockedBy: string | undefined;
    const watch = {
      open: () => options.open(options.database),
      backend: session.backend,
      onBlocked: (by: string) => {
        blockedBy = by;
        onProgress({ type: 'blocked', version: migration.version, by });
      },
    };
    const result = await watchLocks(() => apply(runnable, standing, work, options), watch);
    if ('problem' in result) return withBlocker(result.problem, blockedBy);
    if ('readAgain' in result) continue;
    applied.push(result.applied);
    onProgress({ type: 'applied', version: migration.version, durationMs: result.applied.durationMs });
    await resetSession(session, lockTimeoutMs);
    return 'applied';
  }
}

/** A file that gave up waiting for a lock: the hint names the session that held it. */
function withBlocker(found: MigrationProblem, blockedBy: string | undefined): MigrationProblem {
  if (found.sqlstate !== '55P03' || blockedBy === undefined) return found;
  const [, pid] = /^pid ([1-9][0-9]*)/.exec(blockedBy) ?? [];
  const end = pid === undefined ? '' : ` If it may be ended, run: SELECT pg_terminate_backend(${pid}).`;
  return { ...found, hint: `When the file last waited, ${blockedBy}.${end} Then migrate again.` };
}

/** Roles and databases belong to the whole server, so creating them also needs the lock of the database `postgres`. */
async function apply(
  runnable: Runnable,
  standing: MigrationStatus['standing'],
  work: MigrationContext,
  { open, database, waitMs = 600_000, stop }: MigrateOptions,
): Promise<Applied> {
  async function run(): Promise<Applied> {
    return runnable.mode === 'tx'
      ? applyInTransaction(work, runnable)
      : applyNonTransactional(work, runnable, standing);
  }
  if (!runnable.clusterWide || database === 'postgres') return run();
  const cluster = await open('postgres');
  try {
    const holder = await takeLock(cluster, { waitMs, stop, onProgress: work.onProgress });
    if (holder === undefined) return await run();
    return {
      problem: problem(
        work.migration.version,
        `The file changes roles or databases of the whole server, and another runner still does the same: ${holder}.`,
        'Migrate again when it has finished.',
      ),
    };
  } finally {
    await cluster.close();
  }
}

function pendingOf(migrations: readonly Migration[], ledger: Ledger): readonly Migration[] {
  return migrations.filter(
    (migration) => !['applied', 'adopted'].includes(migrationStatusOf(migration, ledger).standing),
  );
}

/** Problems that are known before anything runs. Of applied files only the checksum is compared. */
function obstaclesOf(migration: Migration, ledger: Ledger): readonly MigrationProblem[] {
  const { version, sql } = migration;
  const now = migrationStatusOf(migration, ledger);
  if (now.standing === 'conflict') return [problem(version, now.message, now.hint)];
  const runnable = runnableOf(sql);
  if ('mode' in runnable) return [];
  return runnable.obstacles.map(({ message, hint, line, column }) => problem(version, message, hint, { line, column }));
}

function reportOn(
  migrations: readonly Migration[],
  ledger: Ledger,
  database: string,
  { applied, waitedMs }: Progressed,
): (outcome: MigrationReport['outcome'], problems?: readonly MigrationProblem[]) => MigrationReport {
  const known = new Set(migrations.map(({ version }) => version));
  const late = new Set(applied.map(({ version }) => version));
  // A late file is reported as such also after it was applied.
  const before = { ...ledger, versions: new Set([...ledger.versions].filter((version) => !late.has(version))) };
  return (outcome, problems = []) => ({
    database,
    outcome,
    applied: [...applied],
    pending: pendingOf(migrations, ledger).map(({ version }) => version),
    adopted: migrations
      .filter((one) => migrationStatusOf(one, ledger).standing === 'adopted')
      .map(({ version }) => version),
    outOfOrder: outOfOrder(migrations, before),
    withoutFile: [...ledger.versions].filter((version) => !known.has(version)).sort(compareText),
    problems,
    waitedMs,
  });
}

function ignore(): void {
  // No progress is reported.
}
