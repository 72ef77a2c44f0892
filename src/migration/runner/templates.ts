import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProblemsError } from '../../errors.ts';
import { compareBy } from '../../util/compare.ts';
import { quoteIdentifier, quoteLiteral } from '../../util/quote.ts';
import type { SqlSession } from '../../host/postgres/types.ts';
import type { Migration } from '../files.ts';
import { backoff } from './context.ts';
import { ask, takeLock } from './ledger.ts';
import { migrate } from './migrate.ts';
import type { MigrateOptions, MigrationReport } from './types.ts';

export interface TemplateOptions extends Omit<MigrateOptions, 'database' | 'dryRun'> {
  /** The first part of the template's name; the fingerprint of the files is the second. */
  readonly template: string;
  /** Databases to create from it, unless they exist. */
  readonly databases: readonly string[];
}

export interface Clone {
  readonly database: string;
  /** Null: it existed already, or PostgreSQL is older than 15. */
  readonly strategy: 'wal_log' | 'file_copy' | null;
  readonly durationMs: number;
  readonly report: MigrationReport;
}

export interface TemplateReport {
  readonly template: string;
  /** Whether it was created now. */
  readonly made: boolean;
  readonly durationMs: number;
  /** Of the template, if it was migrated now. */
  readonly report: MigrationReport | null;
  readonly clones: readonly Clone[];
  /** Templates of other versions of the files. They are not needed, and never removed automatically. */
  readonly older: readonly string[];
}

/**
 * Above this size, copying the files costs less than writing every page to the WAL
 * (docs/engineering/migrations.md#templates).
 */
const fileCopyBytes = 256 * 2 ** 20;

const together = 4;

const attempts = 8;

/**
 * Migrates once, into a template named after the fingerprint of the files, and creates the databases from it. Concurrent callers
 * wait and find it complete; a template that was not finished is migrated further.
 */
export async function migrateFromTemplate(
  migrations: readonly Migration[],
  options: TemplateOptions,
): Promise<TemplateReport> {
  const name = `${options.template}_${fingerprint(migrations)}`;
  const began = performance.now();
  const session = await options.open('postgres');
  try {
    const { made, report } = await createTemplate(session, name, migrations, options);
    const durationMs = Math.round(performance.now() - began);
    const isMigrated = report === null || report.outcome === 'applied' || report.outcome === 'up-to-date';
    const clones = isMigrated ? await createClones(session, name, migrations, options) : [];
    return {
      template: name,
      made,
      durationMs,
      report,
      clones,
      older: await olderThan(session, name, options.template),
    };
  } finally {
    await session.close();
  }
}

/** Twelve digits of the hash of all versions and checksums, in order. */
function fingerprint(migrations: readonly Migration[]): string {
  const hash = createHash('sha256');
  for (const { version, sha256 } of migrations) hash.update(`${version}\0${sha256}\0`);
  return hash.digest('hex').slice(0, 12);
}

async function createTemplate(
  session: SqlSession,
  name: string,
  migrations: readonly Migration[],
  options: TemplateOptions,
): Promise<{ readonly made: boolean; readonly report: MigrationReport | null }> {
  const { waitMs = 600_000, stop, onProgress = ignore, atPoint } = options;
  if (await isReady(session, name)) return { made: false, report: null };
  const key = `pg_catalog.hashtextextended('pgops:template:' || ${quoteLiteral(name)}, 0)`;
  const holder = await takeLock(session, { waitMs, stop, onProgress }, key);
  if (holder !== undefined)
    throw new ProblemsError('lock-held', `Another runner is still creating the template ${name}: ${holder}.`);
  if (await isReady(session, name)) return { made: false, report: null };
  if (!(await exists(session, name))) await ask(session, `CREATE DATABASE ${quoteIdentifier(name)}`);
  await atPoint?.('template made');
  const report = await migrate(migrations, { ...options, database: name });
  if (report.outcome !== 'applied' && report.outcome !== 'up-to-date') return { made: false, report };
  await atPoint?.('template migrated');
  // Without connections nothing blocks a copy; and a template cannot be dropped by mistake (42809).
  await ask(session, `ALTER DATABASE ${quoteIdentifier(name)} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false`);
  return { made: true, report };
}

async function createClones(
  session: SqlSession,
  template: string,
  migrations: readonly Migration[],
  options: TemplateOptions,
): Promise<readonly Clone[]> {
  const strategy = await strategyFor(session, template);
  const waiting = [...options.databases];
  const clones: Clone[] = [];
  async function work(): Promise<void> {
    const own = await options.open('postgres');
    try {
      for (let database = waiting.shift(); database !== undefined; database = waiting.shift()) {
        const began = performance.now();
        const made = await createClone(own, template, database, strategy);
        const report = await migrate(migrations, { ...options, database });
        const durationMs = Math.round(performance.now() - began);
        clones.push({ database, strategy: made ? (strategy ?? 'file_copy') : null, durationMs, report });
      }
    } finally {
      await own.close();
    }
  }
  await Promise.all(Array.from({ length: Math.min(together, waiting.length) }, work));
  return clones.sort(compareBy(({ database }) => database));
}

/** @returns whether it was created now. */
async function createClone(
  session: SqlSession,
  template: string,
  database: string,
  strategy: Clone['strategy'],
): Promise<boolean> {
  const how = strategy === null ? '' : ` STRATEGY ${strategy}`;
  for (let attempt = 1; ; attempt += 1) {
    if (await exists(session, database)) return false;
    const made = await session.query(
      `CREATE DATABASE ${quoteIdentifier(database)} TEMPLATE ${quoteIdentifier(template)}${how}`,
    );
    if (made.ok) return true;
    const { sqlstate, message } = made;
    // 55006: a session is still connected to the template. The others: another session is creating the same database.
    if (!['55006', '42P04', '23505'].includes(sqlstate ?? '') || attempt >= attempts)
      throw new ProblemsError(
        'step-refused',
        `Cannot create ${database} from ${template}: ${sqlstate ?? ''} ${message}`,
      );
    await sleep(backoff(attempt));
  }
}

/** Null before PostgreSQL 15, which has no choice of strategy. */
async function strategyFor(session: SqlSession, template: string): Promise<Clone['strategy']> {
  const [row] = await ask(
    session,
    `SELECT pg_catalog.current_setting('server_version_num')::int >= 150000 AS choice,
       pg_catalog.pg_database_size($1::name) >= ${fileCopyBytes} AS large`,
    [template],
  );
  if (row?.['choice'] !== 't') return null;
  return row['large'] === 't' ? 'file_copy' : 'wal_log';
}

async function isReady(session: SqlSession, name: string): Promise<boolean> {
  const sql = 'SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1 AND datistemplate AND NOT datallowconn';
  return (await ask(session, sql, [name])).length > 0;
}

async function exists(session: SqlSession, name: string): Promise<boolean> {
  return (await ask(session, 'SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1', [name])).length > 0;
}

async function olderThan(session: SqlSession, name: string, template: string): Promise<readonly string[]> {
  const rows = await ask(
    session,
    `SELECT datname::text AS name FROM pg_catalog.pg_database
     WHERE datistemplate AND datname <> $1 AND pg_catalog.starts_with(datname::text, $2)
       AND pg_catalog.substr(datname::text, pg_catalog.length($2) + 1) ~ '^[0-9a-f]{12}$' ORDER BY datname`,
    [name, `${template}_`],
  );
  return rows.map((row) => row['name'] ?? '');
}

function ignore(): void {
  // No progress is reported.
}
