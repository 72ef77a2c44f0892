import { crc32 } from 'node:zlib';
import type { Instance } from '../../../host/instance.ts';
import type { SqlRow } from '../../../host/postgres/types.ts';
import type { ReadonlyHost, Refusal } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { rowsOf } from './observe.ts';
import type { ConditionKind } from './types.ts';

/** What an interrupted run of another migration tool left: the tool refuses to go on until someone clears it. */
export interface Leftover {
  readonly kind: Extract<ConditionKind, 'other-tool-failed' | 'other-tool-lock'>;
  readonly subject: string;
  readonly summary: string;
  /** What the table or the session says. */
  readonly seen: string;
  readonly remedy: Refusal;
}

/** The tables of tools that note failures, with the columns that show them. From the source of each tool. */
const tools = {
  schema_migrations: { tool: 'golang-migrate', columns: ['version', 'dirty'] },
  flyway_schema_history: { tool: 'Flyway', columns: ['version', 'script', 'success'] },
  databasechangeloglock: { tool: 'Liquibase', columns: ['locked', 'lockgranted', 'lockedby'] },
  knex_migrations_lock: { tool: 'Knex', columns: ['index', 'is_locked'] },
  _prisma_migrations: { tool: 'Prisma', columns: ['migration_name', 'started_at', 'finished_at', 'rolled_back_at'] },
} as const;

type ToolTable = keyof typeof tools;

/** Ordinary tables of these names that have all of the columns. The same name with other columns is another tool's. */
const tablesThere = `SELECT n.nspname::text AS schema, c.relname::text AS name,
    (SELECT pg_catalog.string_agg(a.attname, ' ') FROM pg_catalog.pg_attribute AS a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relname IN (${Object.keys(tools)
    .map((name) => `'${name}'`)
    .join(', ')})
  ORDER BY n.nspname, c.relname LIMIT 50`;

const sessionsThere = `SELECT a.pid::text AS pid, coalesce(a.state, '') AS state, coalesce(a.application_name, '') AS application,
    coalesce(pg_catalog.host(a.client_addr), '') AS client,
    pg_catalog.floor(extract(epoch FROM pg_catalog.clock_timestamp() - a.state_change))::text AS seconds,
    coalesce((SELECT pg_catalog.string_agg(((l.classid::bigint << 32) | l.objid::bigint)::text, ' ') FROM pg_catalog.pg_locks AS l
      WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.database = a.datid), '') AS locks
  FROM pg_catalog.pg_stat_activity AS a
  WHERE a.datname = pg_catalog.current_database() AND a.backend_type = 'client backend'
    AND a.pid <> pg_catalog.pg_backend_pid() AND a.application_name <> 'problem-registry'
  ORDER BY a.pid`;

export interface ToolSession {
  readonly pid: number;
  readonly state: string;
  readonly application: string;
  readonly client: string;
  /** In this state. */
  readonly seconds: number;
  /** Keys of the advisory locks that it holds. */
  readonly locks: readonly string[];
}

export interface ToolRows {
  readonly name: ToolTable;
  readonly schema: string;
  readonly rows: readonly SqlRow[];
}

/** Reads the tables by COPY, which runs no code of their owners. */
export async function leftoversIn(
  database: string,
  instance: Instance,
  host: ReadonlyHost,
): Promise<readonly Leftover[]> {
  const [there, sessions] = [
    await rowsOf(instance, database, host, tablesThere),
    (await rowsOf(instance, database, host, sessionsThere)).map(sessionOf),
  ];
  const tables: ToolRows[] = [];
  for (const row of there) {
    const name = Object.keys(tools).find((one): one is ToolTable => one === row['name']);
    const has = (row['columns'] ?? '').split(' ');
    if (name === undefined || !tools[name].columns.every((column) => has.includes(column))) continue;
    const schema = row['schema'] ?? '';
    const table = { schema, name, columns: tools[name].columns };
    const answer = await host.sql.readTables(instance, [table], { database, timeoutMs: 15_000 });
    if (!answer.ok) throw new Error(`${schema}.${name} of ${database} could not be read: ${answer.message}`);
    tables.push({ name, schema, rows: answer.rows });
  }
  return leftovers(database, tables, sessions);
}

/** Pure. A run that goes on also has a dirty flag or a held lock: its session is busy, and then nothing is left over. */
export function leftovers(
  database: string,
  tables: readonly ToolRows[],
  sessions: readonly ToolSession[],
): readonly Leftover[] {
  return [
    ...tables.flatMap((table) => table.rows.flatMap((row) => ofRow(database, table, row, sessions))).slice(0, 20),
    ...orphans(database, sessions),
  ];
}

function ofRow(
  database: string,
  { name, schema }: ToolRows,
  row: SqlRow,
  sessions: readonly ToolSession[],
): readonly Leftover[] {
  const { tool } = tools[name];
  const table = `${schema}.${name}`;
  const seen = tools[name].columns.map((column) => `${column} ${textOf(row, column) || 'null'}`).join(', ');
  switch (name) {
    case 'schema_migrations': {
      if (row['dirty'] !== 't' || sessions.some((session) => session.locks.length > 0 && isBusy(session))) return [];
      const version = textOf(row, 'version');
      return [
        {
          kind: 'other-tool-failed',
          subject: `${table}.${version}`,
          summary: `${tool} stopped in version ${version} of ${database} and left its dirty flag, so it refuses every further run.`,
          seen,
          remedy: refusal(
            `Whether version ${version} took effect is known only to someone who reads it.`,
            `Complete or revert it by hand. Then run: migrate -path <folder> -database <url> force ${version} (if it was reverted, with the version before), and: migrate -path <folder> -database <url> up`,
          ),
        },
      ];
    }
    case 'flyway_schema_history': {
      if (row['success'] !== 'f') return [];
      const script = textOf(row, 'script');
      return [
        {
          kind: 'other-tool-failed',
          subject: `${table}.${textOf(row, 'version') || script}`,
          summary: `${tool} has noted ${script} as failed in ${database}, so it refuses every further run.`,
          seen,
          remedy: refusal(
            `${script} failed outside a transaction, or its rollback was not noted; what took effect must be checked.`,
            'Complete or revert it by hand and fix the script. Then run: flyway repair, and: flyway migrate',
          ),
        },
      ];
    }
    case 'databasechangeloglock': {
      if (row['locked'] !== 't' || isLiquibaseHere(textOf(row, 'lockedby'), sessions)) return [];
      return [
        {
          kind: 'other-tool-lock',
          subject: table,
          summary: `${tool} holds its lock in ${database} since ${textOf(row, 'lockgranted')} for ${textOf(row, 'lockedby')}, and no session of it is left: every further run waits for it.`,
          seen,
          remedy: refusal(
            'A run that was killed has left the lock. What it had not committed was rolled back.',
            'Make sure that no Liquibase is running. Then run: liquibase release-locks, and: liquibase update',
          ),
        },
      ];
    }
    case 'knex_migrations_lock': {
      // The row says neither who holds it nor since when. A run that others can see the row of has a statement or a transaction open.
      if (row['is_locked'] !== '1' || sessions.some(({ state }) => state !== 'idle')) return [];
      return [
        {
          kind: 'other-tool-lock',
          subject: table,
          summary: `${tool} holds its lock in ${database}, and no session of it is at work: every further run gives up ("Migration table is already locked").`,
          seen,
          remedy: refusal(
            'A run that was killed in a migration without a transaction has left the lock. What that migration had done before stays.',
            'Make sure that no Knex is running, and complete or revert the migration after the last row of knex_migrations. Then run: knex migrate:unlock, and: knex migrate:latest',
          ),
        },
      ];
    }
    case '_prisma_migrations': {
      const running = sessions.some((session) => session.locks.includes(prismaKey) && isBusy(session));
      if (row['finished_at'] !== null || row['rolled_back_at'] !== null || running) return [];
      const migration = textOf(row, 'migration_name');
      return [
        {
          kind: 'other-tool-failed',
          subject: `${table}.${migration}`,
          summary: `${tool} has noted ${migration} as failed in ${database}, so it refuses every further run (P3009).`,
          seen,
          remedy: refusal(
            `Whether ${migration} took effect must be checked; the column logs of ${table} has its error.`,
            `Complete or revert it by hand. Then run: prisma migrate resolve --applied ${migration} (or --rolled-back ${migration}), and: prisma migrate deploy`,
          ),
        },
      ];
    }
  }
}

const prismaKey = '72707369';

/** Keys of the advisory locks with which tools exclude each other: docs/engineering/migrations.md#advisory-locks. */
function lockKeys(database: string): ReadonlyMap<string, string> {
  const golang = Math.imul(crc32(`public\0schema_migrations\0${database}`), 1_486_364_155) >>> 0;
  return new Map([
    [prismaKey, 'Prisma'],
    [String(2_053_462_845n * BigInt(crc32(database))), 'Rails'],
    [String(golang), 'golang-migrate'],
    ['7241865325823964', 'node-pg-migrate'],
  ]);
}

/** Long enough that no tool pauses for it between two files. */
const orphanedSeconds = 300;

function orphans(database: string, sessions: readonly ToolSession[]): readonly Leftover[] {
  const keys = lockKeys(database);
  return sessions.flatMap((session) => {
    const tool = session.locks.map((key) => keys.get(key)).find((one) => one !== undefined);
    if (tool === undefined || session.state !== 'idle' || session.seconds < orphanedSeconds) return [];
    const { pid, application, client, seconds } = session;
    const who = `pid ${pid}${application === '' ? '' : `, application ${application}`}, from ${client || 'the socket'}`;
    return [
      {
        kind: 'other-tool-lock',
        subject: `${tool}-lock`,
        summary: `A session of ${database} (${who}) has been idle for ${seconds} s and still holds the migration lock of ${tool}: every further run waits for it or gives up.`,
        seen: `${who}, idle for ${seconds} s, advisory locks ${session.locks.join(' ')}`,
        remedy: refusal(
          'A pooler in transaction mode, or a run that was cut off, kept the session that took the lock.',
          `In psql: SELECT pg_terminate_backend(${pid}); then run the migration again, over a direct connection and not through a pooler.`,
        ),
      } as const,
    ];
  });
}

function isBusy({ state, seconds }: ToolSession): boolean {
  return state !== 'idle' || seconds < 60;
}

/** The lock names the address of its holder, behind NAT another one than the server sees. So any session by JDBC counts. */
function isLiquibaseHere(holder: string, sessions: readonly ToolSession[]): boolean {
  const address = /\(([0-9a-fA-F.:]+)\)/.exec(holder)?.[1];
  return sessions.some(
    ({ client, application }) => (client !== '' && client === address) || /jdbc|liquibase/i.test(application),
  );
}

function sessionOf(row: SqlRow): ToolSession {
  return {
    pid: Number(row['pid']),
    state: row['state'] ?? '',
    application: row['application'] ?? '',
    client: row['client'] ?? '',
    seconds: Number(row['seconds'] ?? 0),
    locks: (row['locks'] ?? '').split(' ').filter((key) => key !== ''),
  };
}

/** One line, bounded: the tables belong to others. */
function textOf(row: SqlRow, column: string): string {
  return (row[column] ?? '').replaceAll(/\s+/g, ' ').slice(0, 120);
}
