import { join, resolve } from 'node:path';
import { databasePath } from '../../../postgres/search-path.ts';
import type { Instance } from '../../../host/instance.ts';
import type { SqlResult, SqlRow } from '../../../host/postgres/types.ts';
import {
  indexOfFile,
  isMigrationName,
  type Ledger,
  lockHolders,
  type Migration,
  migrationsOf,
  nameObstacle,
  readLedgerSafely,
} from '../../../migration/index.ts';
import type { ReadonlyHost } from '../../contract.ts';
import { type LoggedError, raceErrors } from './log-patterns.ts';
import { migrationSettings } from './types.ts';

/** The migration files of a database. */
export interface Folder {
  readonly path: string;
  readonly migrations: readonly Migration[];
}

const maxFiles = 2_000;

/** The files of a folder within the project's roots. A missing folder is empty. */
export function folderReader(host: ReadonlyHost): (path: string) => Promise<readonly Migration[]> {
  const read = new Map<string, Promise<readonly Migration[]>>();
  async function migrationsIn(path: string): Promise<readonly Migration[]> {
    const names = (await host.files.list(path)).filter(
      (name) => isMigrationName(name) && nameObstacle(name) === undefined,
    );
    if (names.length > maxFiles)
      throw new Error(`${path} contains ${names.length} migrations; at most ${maxFiles} are allowed.`);
    const files: { readonly name: string; readonly text: string }[] = [];
    for (const name of names) {
      const file = await host.files.read(join(path, name));
      if (file === undefined) continue;
      // Invalid UTF-8 would give another checksum here than where it was applied.
      if (file.text.includes('\uFFFD')) throw new Error(`${join(path, name)} is not valid UTF-8.`);
      files.push({ name, text: file.text });
    }
    return migrationsOf(files);
  }
  return async (path) => {
    const known = read.get(path) ?? migrationsIn(path);
    read.set(path, known);
    return known;
  };
}

/** From the config, or by convention if the ledger lists one of the files. */
async function folderOf(
  host: ReadonlyHost,
  instance: Instance,
  database: string,
  ledger: Ledger,
  read: ReturnType<typeof folderReader>,
): Promise<Folder | undefined> {
  const [project] = host.files.roots;
  if (project === undefined) return undefined;
  const { folders } = migrationSettings(host);
  const isOwn = database === instance.database;
  const named = folders[`${instance.name}/${database}`] ?? (isOwn ? folders[instance.name] : undefined);
  if (named !== undefined) {
    const path = resolve(project, named);
    return { path, migrations: await read(path) };
  }
  const path = join(project, 'migrations');
  const migrations = ledger.versions.size === 0 && ledger.rows.size === 0 ? [] : await read(path);
  const isKnown = migrations.some(({ version }) => ledger.versions.has(version) || ledger.rows.has(version));
  return isKnown ? { path, migrations } : undefined;
}

/** Databases that allow connections, without templates. */
const databases = `SELECT datname::text AS name FROM pg_catalog.pg_database
  WHERE datallowconn AND NOT datistemplate ORDER BY datname`;

/**
 * Invalid indexes, except those of partitioned tables, which are invalid until each partition has its own, and those that
 * a session is building now.
 */
export const invalidIndexes = `SELECT c.oid::text AS oid, n.nspname::text AS schema, c.relname::text AS name,
    format('%I.%I', n.nspname, c.relname) AS qualified, tn.nspname::text AS "tableSchema", t.relname::text AS "table",
    pg_catalog.pg_get_indexdef(c.oid) AS definition,
    i.indisvalid::text AS valid, i.indisready::text AS ready
  FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
  WHERE c.relkind = 'i' AND NOT (i.indisvalid AND i.indisready) AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_stat_progress_create_index AS p
    WHERE p.datname = pg_catalog.current_database() AND (p.index_relid = c.oid OR p.relid = i.indrelid))
  ORDER BY n.nspname, c.relname`;

/** Which of the relations in `$1` (JSON: objects with `schema` and `name`) exist, by position. */
export const relationsThere = `WITH ${databasePath}
  SELECT (o.ordinality - 1)::text AS place, o.oid IS NOT NULL AS there,
    (SELECT i.indisvalid AND i.indisready FROM pg_catalog.pg_index AS i WHERE i.indexrelid = o.oid) AS sound,
    (SELECT string_agg(a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
      FROM pg_catalog.pg_attribute AS a
      WHERE a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
  FROM (SELECT ordinality, CASE WHEN own.set THEN
      pg_catalog.to_regclass(pg_catalog.concat_ws('.', pg_catalog.quote_ident(e ->> 'schema'), pg_catalog.quote_ident(e ->> 'name'))) END AS oid
    FROM own, pg_catalog.json_array_elements($1::json) WITH ORDINALITY AS j (e, ordinality)) AS o ORDER BY o.ordinality`;

/**
 * Sessions that are changing the schema of this database, or hold the advisory lock of node-pg-migrate
 * (docs/engineering/migrations.md#advisory-locks).
 */
export const otherRunners = `SELECT a.pid::text AS pid, a.application_name::text AS application, left(a.query, 80) AS query
  FROM pg_catalog.pg_stat_activity AS a
  WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid() AND (
    (a.state <> 'idle' AND a.query ~* '^[[:space:]]*(create|alter|drop|reindex|truncate)[[:space:]]')
    OR a.pid IN (SELECT l.pid FROM pg_catalog.pg_locks AS l WHERE l.locktype = 'advisory' AND l.granted
      AND l.database = a.datid AND ((l.classid::bigint << 32) | l.objid::bigint) = 7241865325823964))
  ORDER BY a.pid`;

export interface InvalidIndex {
  readonly oid: string;
  readonly name: string;
  readonly schema: string;
  /** With its schema and quoted. */
  readonly qualified: string;
  readonly table: string;
  readonly tableSchema: string;
  readonly definition: string;
  readonly state: string;
}

/** The present state of one database. */
export interface Observation {
  readonly database: string;
  readonly ledger: Ledger;
  readonly folder: Folder | undefined;
  readonly invalid: readonly InvalidIndex[];
  /** Races in the log, of any database of the instance. Read only if there is a problem. */
  readonly errors: () => Promise<readonly LoggedError[]>;
}

/** The databases of one instance, without those that a runner of this program is migrating. */
export interface Observations {
  readonly looks: readonly Observation[];
  /** Whether files of several databases contain this text, since the log does not tell the database of an error. */
  readonly isShared: (sha256: string) => boolean;
}

const maxDatabases = 200;

export function isMigrating({ container }: Instance): boolean {
  return container.state.running && container.state.status !== 'restarting';
}

export async function observeAll(
  instance: Instance,
  host: ReadonlyHost,
  read = folderReader(host),
): Promise<Observations> {
  const looks: Observation[] = [];
  for (const database of await databasesOf(instance, host)) {
    const found = await observe(instance, database, host, read);
    if (found !== undefined) looks.push(found);
  }
  const all = looks.flatMap(({ folder }) => folder?.migrations.map(({ sha256 }) => sha256) ?? []);
  return { looks, isShared: (sha256) => all.indexOf(sha256) !== all.lastIndexOf(sha256) };
}

async function databasesOf(instance: Instance, host: ReadonlyHost): Promise<readonly string[]> {
  const rows = await rowsOf(instance, instance.database, host, databases);
  if (rows.length > maxDatabases) throw new Error(`${instance.name} has more than ${maxDatabases} databases.`);
  return rows.map((row) => row['name'] ?? '');
}

/** Undefined while a runner of this program is migrating it, since its state is changing. */
async function observe(
  instance: Instance,
  database: string,
  host: ReadonlyHost,
  read: ReturnType<typeof folderReader>,
): Promise<Observation | undefined> {
  const ledger = await ledgerOf(instance, database, host);
  const invalid = (await rowsOf(instance, database, host, invalidIndexes)).map(invalidOf);
  const folder = await folderOf(host, instance, database, ledger, read);
  const isCalm = invalid.length === 0 && [...ledger.rows.values()].every(({ state }) => state === 'done');
  if (!isCalm && (await rowsOf(instance, database, host, lockHolders())).length > 0) return undefined;
  let errors: Promise<readonly LoggedError[]> | undefined;
  return {
    database,
    ledger,
    folder,
    invalid,
    errors: async () => {
      errors ??= host.docker.logs(instance.container.id, { tail: 1_000 }).then(raceErrors);
      return errors;
    },
  };
}

/** The file that builds exactly this index on this table. */
export function originOf(index: InvalidIndex, { folder }: Observation) {
  return folder?.migrations.find((migration) => {
    const named = indexOfFile(migration);
    return (
      named?.name === index.name &&
      named.table?.name === index.table &&
      (named.table.schema === undefined || named.table.schema === index.tableSchema)
    );
  });
}

export async function rowsOf(
  instance: Instance,
  database: string,
  host: ReadonlyHost,
  sql: string,
  values?: readonly string[],
): Promise<readonly SqlRow[]> {
  return answered(
    instance,
    database,
    await host.sql.query(instance, sql, {
      database,
      maxRows: 20_000,
      timeoutMs: 15_000,
      ...(values === undefined ? {} : { values }),
    }),
  );
}

export async function ledgerOf(instance: Instance, database: string, host: ReadonlyHost): Promise<Ledger> {
  return readLedgerSafely({
    query: (sql) => rowsOf(instance, database, host, sql),
    readTables: async (tables) =>
      answered(instance, database, await host.sql.readTables(instance, tables, { database, timeoutMs: 15_000 })),
  });
}

function answered(instance: Instance, database: string, answer: SqlResult): readonly SqlRow[] {
  if (answer.ok) return answer.rows;
  throw new Error(`${database} of ${instance.name}: ${answer.sqlstate ?? ''} ${answer.message}`);
}

function invalidOf(row: SqlRow): InvalidIndex {
  return {
    oid: row['oid'] ?? '',
    name: row['name'] ?? '',
    schema: row['schema'] ?? '',
    qualified: row['qualified'] ?? '',
    table: row['table'] ?? '',
    tableSchema: row['tableSchema'] ?? '',
    definition: row['definition'] ?? '',
    state: `indisvalid ${row['valid'] ?? ''}, indisready ${row['ready'] ?? ''}`,
  };
}
