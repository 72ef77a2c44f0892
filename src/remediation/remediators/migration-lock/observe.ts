import type { Instance } from '../../../host/instance.ts';
import type { SqlRow } from '../../../host/postgres/types.ts';
import {
  indexOfFile,
  type Ledger,
  ledgerOf,
  ledgerPlace,
  lockHolders,
  readingLedger,
  tablesOf,
} from '../../../migration/index.ts';
import type { ReadonlyHost } from '../../contract.ts';
import { type Folder, folderOf, folderReader } from './folder.ts';
import { type LoggedError, raceErrors } from './log-patterns.ts';
import { databases, invalidIndexes } from './queries.ts';

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

/** One database as it is now. */
export interface Look {
  readonly database: string;
  readonly ledger: Ledger;
  readonly folder: Folder | undefined;
  readonly invalid: readonly InvalidIndex[];
  /** Races that the log tells of, in any database of the instance. Read only where something is amiss. */
  readonly errors: () => Promise<readonly LoggedError[]>;
}

/** The databases of one instance, without those that a runner of ours is at work in. */
export interface Looks {
  readonly looks: readonly Look[];
  /** Whether the files of several databases hold this text: the log does not say which of them an error is of. */
  readonly isShared: (sha256: string) => boolean;
}

const maxDatabases = 200;

export function runs({ container }: Instance): boolean {
  return container.state.running && container.state.status !== 'restarting';
}

export async function lookAll(instance: Instance, host: ReadonlyHost, read = folderReader(host)): Promise<Looks> {
  const looks: Look[] = [];
  for (const database of await databasesOf(instance, host)) {
    const found = await look(instance, database, host, read);
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

/** Undefined while a runner of ours is at work there: whatever is seen is on its way. */
async function look(
  instance: Instance,
  database: string,
  host: ReadonlyHost,
  read: ReturnType<typeof folderReader>,
): Promise<Look | undefined> {
  const tables = tablesOf((await rowsOf(instance, database, host, ledgerPlace))[0]);
  const ledger = ledgerOf(
    tables.versionsExist || tables.statesExist ? await rowsOf(instance, database, host, readingLedger(tables)) : [],
  );
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

/** The file of the folder that builds exactly this index on this table. */
export function originOf(index: InvalidIndex, { folder }: Look) {
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
  const answer = await host.sql.query(instance, sql, {
    database,
    maxRows: 20_000,
    timeoutMs: 15_000,
    ...(values === undefined ? {} : { values }),
  });
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
