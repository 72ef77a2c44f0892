import { setTimeout as sleep } from 'node:timers/promises';
import { databasePath } from '../../postgres/search-path.ts';
import type { Runnable } from '../classify.ts';
import { objectDroppedBy, objectCreatedBy, type NamedObject } from '../objects.ts';
import type { MigrationStatus } from '../status.ts';
import { type Applied, backoff, failed, isLostRace, type MigrationContext } from './context.ts';
import { dropInvalidIndex, indexOf } from './indexes.ts';
import { ask, errorOf, resetSession, queryWithDatabasePath, writeState } from './ledger.ts';
import { type MigrationProblem, problem } from './types.ts';

type Alone = Extract<Runnable, { mode: 'nontx' }>;

/**
 * Applies a statement that cannot run inside a transaction: `started` is committed before it, `done` after it. First checks what
 * an interrupted runner left (docs/engineering/migrations.md#half-applied-migrations): an invalid index is dropped and built
 * again; an effect that the ledger does not list is recorded.
 */
export async function applyNonTransactional(
  work: MigrationContext,
  alone: Alone,
  standing: MigrationStatus['standing'],
): Promise<Applied> {
  const { session, tables, migration, onProgress, runner, point } = work;
  const { version } = migration;
  const began = performance.now();
  async function done(attempts: number): Promise<Applied> {
    await writeState(session, tables, migration, { mode: 'nontx', state: 'done', runner });
    await point(`${version} done`);
    return { applied: { version, mode: 'nontx', attempts, durationMs: Math.round(performance.now() - began) } };
  }
  if (standing === 'unfinished') {
    const effect = await effectOf(work, alone);
    if (effect === 'taken') return done(0);
    if (effect === 'unknown') return { problem: outcomeUnknown(work, alone) };
  }
  const obstacle = await dropLeftover(work, alone);
  if (obstacle !== undefined) return { problem: obstacle };
  for (let attempt = 1; ; attempt += 1) {
    onProgress({ type: 'running', version, mode: 'nontx', attempt });
    await writeState(session, tables, migration, { mode: 'nontx', state: 'started', runner });
    await point(`${version} started`);
    if (alone.kind.patient) await ask(session, 'SET lock_timeout = 0');
    const ran = await queryWithDatabasePath(session, alone.sql);
    await point(`${version} run`);
    if (ran.ok && (await isSoundAfter(work, alone))) return done(attempt);
    if (!ran.ok && ran.lost) throw errorOf(ran);
    const left = await dropLeftover(work, alone);
    const mayAgain = ran.ok ? left === undefined : isLostRace(ran);
    if (mayAgain && attempt < work.attempts) {
      const inMs = backoff(attempt);
      onProgress({ type: 'again', version, message: ran.ok ? 'the index is invalid' : ran.message, inMs });
      await sleep(inMs);
      await resetSession(session, work.lockTimeoutMs);
      continue;
    }
    const found = ran.ok ? (left ?? outcomeUnknown(work, alone)) : failed(work, alone.sql, ran);
    const error = `${found.sqlstate ?? ''} ${found.message}`.trim().slice(0, 2_000);
    await writeState(session, tables, migration, { mode: 'nontx', state: 'failed', runner, error });
    return { problem: found };
  }
}

/** The effect of a statement that was started and whose outcome is not recorded. */
async function effectOf({ session }: MigrationContext, alone: Alone): Promise<'taken' | 'none' | 'unknown'> {
  const { kind, sql, statement } = alone;
  if (kind.resumption === 'again') return 'none';
  if (kind.resumption === 'person') return 'unknown';
  const made = kind.resumption === 'gone' ? objectDroppedBy(sql, statement) : objectCreatedBy(sql, statement);
  if (made === undefined) return 'unknown';
  if (kind.resumption === 'index') return (await indexOf(session, made))?.isSound === true ? 'taken' : 'none';
  const isThere = await exists(session, made);
  return isThere === (kind.resumption === 'exists') ? 'taken' : 'none';
}

const catalogs = {
  database: 'pg_database.datname',
  tablespace: 'pg_tablespace.spcname',
  subscription: 'pg_subscription.subname',
} as const;

async function exists(session: MigrationContext['session'], { kind, schema, name }: NamedObject): Promise<boolean> {
  if (kind === 'database' || kind === 'tablespace' || kind === 'subscription') {
    const [table, column] = catalogs[kind].split('.');
    const rows = await ask(session, `SELECT 1 FROM pg_catalog.${table} WHERE ${column} = $1`, [name]);
    return rows.length > 0;
  }
  const [row] = await ask(
    session,
    `WITH ${databasePath}
     SELECT pg_catalog.to_regclass(pg_catalog.concat_ws('.', pg_catalog.quote_ident(NULLIF($1, '')), pg_catalog.quote_ident($2))) IS NOT NULL AS there
     FROM own WHERE own.set`,
    [schema ?? '', name],
  );
  return row?.['there'] === 't';
}

/** Drops the invalid index of an earlier attempt at this file, which `IF NOT EXISTS` would accept. */
async function dropLeftover(
  { session, migration, onProgress }: MigrationContext,
  { kind, sql, statement }: Alone,
): Promise<MigrationProblem | undefined> {
  const made = kind.resumption === 'index' ? objectCreatedBy(sql, statement) : undefined;
  const index = made === undefined ? undefined : await indexOf(session, made);
  if (index === undefined || index.isSound) return undefined;
  const { version } = migration;
  onProgress({ type: 'dropping', version, index: index.name });
  if ((await dropInvalidIndex(session, index)) !== 'building') return undefined;
  return problem(
    version,
    `Another session is building an index on the table of ${index.name}, which is not valid yet.`,
    'Wait until it has finished, then migrate again.',
  );
}

async function isSoundAfter({ session }: MigrationContext, { kind, sql, statement }: Alone): Promise<boolean> {
  const made = kind.resumption === 'index' ? objectCreatedBy(sql, statement) : undefined;
  return made === undefined || (await indexOf(session, made))?.isSound === true;
}

function outcomeUnknown({ migration }: MigrationContext, { kind }: Alone): MigrationProblem {
  return problem(
    migration.version,
    `${kind.name} was started, and its outcome is unknown.`,
    'Check whether it took effect. If so, insert the version into schema_migrations; if not, delete its row of problems_migrations and migrate again.',
  );
}
