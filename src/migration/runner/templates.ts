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
  /** The beginning of the template's name; the files' fingerprint is its end. */
  readonly template: string;
  /** To be made from it, where they are not there yet. */
  readonly databases: readonly string[];
}

export interface Clone {
  readonly database: string;
  /** Null: it was there. */
  readonly strategy: 'wal_log' | 'file_copy' | null;
  readonly durationMs: number;
  readonly report: MigrationReport;
}

export interface TemplateReport {
  readonly template: string;
  /** Whether it was made now. */
  readonly made: boolean;
  readonly durationMs: number;
  /** Of the template, where it was migrated now. */
  readonly report: MigrationReport | null;
  readonly clones: readonly Clone[];
  /** Templates of other versions of the files: nobody needs them, and nobody removes them. */
  readonly older: readonly string[];
}

/**
 * Above it a copy of the files costs less than writing every page to the WAL as well
 * (docs/engineering/migrations.md#templates).
 */
const fileCopyBytes = 256 * 2 ** 20;

const together = 4;

const attempts = 8;

/**
 * Migrates once, into a template named after the files' fingerprint, and makes the databases from it. Whoever does the
 * same at once waits and finds it made; a template that nobody finished is migrated on, since migrating is convergent.
 */
export async function migrateFromTemplate(
  migrations: readonly Migration[],
  options: TemplateOptions,
): Promise<TemplateReport> {
  const name = `${options.template}_${fingerprint(migrations)}`;
  const began = performance.now();
  const session = await options.open('postgres');
  try {
    const { made, report } = await makeTemplate(session, name, migrations, options);
    const durationMs = Math.round(performance.now() - began);
    const isMigrated = report === null || report.outcome === 'applied' || report.outcome === 'up-to-date';
    const clones = isMigrated ? await makeClones(session, name, migrations, options) : [];
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

/** Twelve digits of all versions and checksums in order. */
function fingerprint(migrations: readonly Migration[]): string {
  const hash = createHash('sha256');
  for (const { version, sha256 } of migrations) hash.update(`${version}\0${sha256}\0`);
  return hash.digest('hex').slice(0, 12);
}

async function makeTemplate(
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
    throw new ProblemsError(
      'lock-held',
      `Another runner has been making the template ${name} all the time: ${holder}.`,
    );
  if (await isReady(session, name)) return { made: false, report: null };
  if (!(await exists(session, name))) await ask(session, `CREATE DATABASE ${quoteIdentifier(name)}`);
  await atPoint?.('template made');
  const report = await migrate(migrations, { ...options, database: name });
  if (report.outcome !== 'applied' && report.outcome !== 'up-to-date') return { made: false, report };
  await atPoint?.('template migrated');
  // Nobody can connect any more, so nobody is in the way of a copy; and a template is not dropped by mistake (42809).
  await ask(session, `ALTER DATABASE ${quoteIdentifier(name)} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false`);
  return { made: true, report };
}

async function makeClones(
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
        const made = await cloneOnce(own, template, database, strategy);
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

/** @returns whether it was made now. */
async function cloneOnce(
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
    // 55006: somebody is still connected to the template; the others: somebody else makes the same database.
    if (!['55006', '42P04', '23505'].includes(sqlstate ?? '') || attempt >= attempts)
      throw new ProblemsError(
        'step-refused',
        `${database} was not made from ${template}: ${sqlstate ?? ''} ${message}`,
      );
    await sleep(backoff(attempt));
  }
}

/** Null: before version 15 there is one way only. */
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
  // Nobody watches.
}
