import { join } from 'node:path';
import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import { databasePath } from '../../postgres/search-path.ts';
import type { Instance } from '../../host/instance.ts';
import type { SqlResult, SqlRow, SqlSession } from '../../host/postgres/types.ts';
import {
  buildIndexAgain,
  schemaQuery,
  dropInvalidIndex,
  fingerprintOf,
  resetSession,
  indexOfFile,
  migrate,
  type Migration,
  migrationsOf,
  openAs,
  readLedgerSafely,
  recordAsDone,
  relationsOfFile,
  migrationStatusOf,
  undoIndexBuild,
  restoreRows,
  takeLock,
} from '../../migration/index.ts';
import type { Action, Host, ReadonlyHost } from '../contract.ts';
import { operations } from '../operations.ts';

/** The target of a step: an instance by name and container id, and one of its databases. */
const placeParams = {
  instance: z.string(),
  container: z.string(),
  database: z.string().min(1).max(63),
  /** The role to work as. Default: the instance's user, unless it is a superuser. */
  role: z.string().min(1).max(63).exactOptional(),
};

export interface Place {
  readonly instance: string;
  readonly container: string;
  readonly database: string;
  readonly role?: string;
}

/** One migration file, as it was planned. */
export const filePlace = z.strictObject({
  ...placeParams,
  /** One of the folders that may be read. */
  folder: z.string(),
  /** The file's name. */
  name: z.string().regex(/^[^/\0]+\.sql$/),
  /** Hash of the text: another text is another migration. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export type FilePlace = z.output<typeof filePlace>;

/** The ledger's entry of a file. */
export const ledgerBefore = z.strictObject({
  listed: z.boolean(),
  row: z
    .strictObject({
      version: z.string(),
      sha256: z.string(),
      mode: z.string(),
      state: z.enum(['started', 'done', 'failed']),
      startedAt: z.string(),
      runner: z.string(),
      error: z.string().nullable(),
    })
    .nullable(),
});

const application = 'problem-registry run';

const lockTimeoutMs = 4_000;

async function requireInstance(host: ReadonlyHost, { instance, container }: Place): Promise<Instance> {
  const found = await host.instance(instance);
  if (found?.container.id !== container)
    throw new ProblemsError('step-refused', `${instance} has been recreated since the plan was made.`);
  return found;
}

async function openDirect(host: Host, place: Place, database = place.database): Promise<SqlSession> {
  const instance = await requireInstance(host, place);
  return openAs(place.role, (login) => host.change.sql.openSession(instance, { database, application, ...login }));
}

/** Works under the lock that every runner takes, so that no other one runs at the same time. */
async function underLock<Result>(
  host: Host,
  place: Place,
  work: (session: SqlSession) => Promise<Result>,
): Promise<Result> {
  const session = await openDirect(host, place);
  try {
    await resetSession(session, lockTimeoutMs);
    const waiting = { waitMs: 60_000, stop: host.signal, onProgress: () => undefined };
    const holder = await takeLock(session, waiting);
    if (holder !== undefined)
      throw new ProblemsError('step-refused', `Another runner is migrating ${place.database}: ${holder}.`);
    return await work(session);
  } finally {
    await session.close();
  }
}

/** The first row of a read-only query. */
async function rowsOf(
  host: ReadonlyHost,
  place: Place,
  sql: string,
  values?: readonly string[],
): Promise<readonly SqlRow[]> {
  return answered(
    place,
    await host.sql.query(await requireInstance(host, place), sql, {
      database: place.database,
      maxRows: 20_000,
      ...(values === undefined ? {} : { values }),
    }),
  );
}

function answered(place: Place, answer: SqlResult): readonly SqlRow[] {
  if (answer.ok) return answer.rows;
  const { sqlstate, message } = answer;
  throw new ProblemsError(
    sqlstate === undefined || sqlstate.startsWith('57P') ? 'engine-unreachable' : 'step-refused',
    `${place.database} of ${place.instance}: ${sqlstate ?? ''} ${message}`,
  );
}

/** @throws ProblemsError `step-refused`: the file no longer exists, or its text has changed. */
async function fileOf({ folder, name, sha256 }: FilePlace, host: ReadonlyHost): Promise<Migration> {
  const file = await host.files.read(join(folder, name));
  const [migration] = file === undefined ? [] : migrationsOf([{ name, text: file.text }]);
  if (migration?.sha256 === sha256) return migration;
  throw new ProblemsError(
    'step-refused',
    `${join(folder, name)} ${migration === undefined ? 'no longer exists' : 'has changed since the plan was made'}.`,
  );
}

/** @throws ProblemsError `step-refused`: file and ledger contradict each other. */
async function ledgerStateOf(wanted: FilePlace, host: ReadonlyHost): Promise<z.output<typeof ledgerBefore>> {
  const migration = await fileOf(wanted, host);
  const { database } = wanted;
  const ledger = await readLedgerSafely({
    query: (sql) => rowsOf(host, wanted, sql),
    readTables: async (tables) =>
      answered(wanted, await host.sql.readTables(await requireInstance(host, wanted), tables, { database })),
  });
  const now = migrationStatusOf(migration, ledger);
  if (now.standing === 'conflict') throw new ProblemsError('step-refused', now.message);
  const { version } = migration;
  return { listed: ledger.versions.has(version), row: ledger.rows.get(version) ?? null };
}

const indexDropInvalidParams = z.strictObject({
  ...placeParams,
  oid: z.string().regex(/^\d{1,10}$/),
  /** With its schema, quoted if needed. */
  name: z.string(),
});

const indexDropInvalidBefore = z.strictObject({ definition: z.string().nullable() });

/** The definition is kept for reference. Undo does not recreate an invalid index, since it is useless. */
export const indexDropInvalid: Action<
  z.output<typeof indexDropInvalidParams>,
  z.output<typeof indexDropInvalidBefore>
> = {
  name: 'index.drop-invalid',
  description:
    'Drops an invalid index concurrently, if it is still the same index, still invalid, and not being built. There is no undo: no query can use an invalid index.',
  params: indexDropInvalidParams,
  undoState: indexDropInvalidBefore,
  operation: operations['drop-own-invalid-index'],
  deadlineMs: 3_600_000,
  describe: ({ name, database }) => `drop the invalid index ${name} of ${database}`,
  async effect(wanted, host) {
    const { definition } = await indexDropInvalidIndexNow(wanted, host);
    return [{ object: `${wanted.database}: ${wanted.name}`, before: definition ?? 'dropped', after: 'dropped' }];
  },
  prepare: async (wanted, host) => indexDropInvalidIndexNow(wanted, host),
  async isDone(wanted, host) {
    return (await indexDropInvalidIndexNow(wanted, host)).definition === null;
  },
  async apply(wanted, host) {
    const outcome = await underLock(host, wanted, async (session) => dropInvalidIndex(session, wanted));
    if (outcome === 'sound') throw refused(`${wanted.name} is now valid.`);
    if (outcome === 'building') throw refused(`A session is building ${wanted.name} or another index of its table.`);
  },
  async undo() {
    // An invalid index holds nothing that can be read, so there is nothing to undo.
  },
  async isUndone() {
    return true;
  },
};

async function indexDropInvalidIndexNow(
  wanted: z.output<typeof indexDropInvalidParams>,
  host: Parameters<typeof rowsOf>[0],
): Promise<z.output<typeof indexDropInvalidBefore>> {
  const [row] = await rowsOf(
    host,
    wanted,
    `SELECT pg_catalog.pg_get_indexdef(c.oid) AS definition FROM pg_catalog.pg_class AS c
       JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.oid = $1::oid AND c.relkind = 'i' AND format('%I.%I', n.nspname, c.relname) = $2`,
    [wanted.oid, wanted.name],
  );
  return { definition: row?.['definition'] ?? null };
}

function refused(message: string): ProblemsError {
  return new ProblemsError('step-refused', message);
}

const migrationRecordParams = filePlace.extend({
  /** Fingerprint of the file's relations in the catalog when they were compared. */
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
});

/**
 * For a file whose relations were created outside the ledger and match what it would have created
 * (docs/engineering/migrations.md#half-applied-migrations).
 */
export const migrationRecord: Action<z.output<typeof migrationRecordParams>, z.output<typeof ledgerBefore>> = {
  name: 'migration.record',
  description:
    'Records a migration file as applied without running it, if its relations are unchanged since they were compared. Undo removes its rows from the ledger.',
  params: migrationRecordParams,
  undoState: ledgerBefore,
  operation: operations['record-migration'],
  describe: ({ name, database }) => `record ${name} as applied to ${database}`,
  async effect(wanted) {
    return [{ object: `${wanted.database}: ${wanted.name}`, before: 'not recorded', after: 'recorded as applied' }];
  },
  prepare: async (wanted, host) => ledgerStateOf(wanted, host),
  async isDone(wanted, host) {
    const { listed, row } = await ledgerStateOf(wanted, host);
    return listed && row?.state === 'done';
  },
  async apply(wanted, host) {
    const migration = await fileOf(wanted, host);
    const [now] = await rowsOf(host, wanted, schemaQuery(relationsOfFile(migration) ?? []));
    if (fingerprintOf(now?.['description'] ?? '') !== wanted.fingerprint)
      throw new ProblemsError('step-refused', `The relations of ${wanted.name} have changed since they were compared.`);
    await underLock(host, wanted, async (session) => recordAsDone(session, migration, host.run.id));
  },
  async undo(wanted, was, host) {
    const migration = await fileOf(wanted, host);
    await underLock(host, wanted, async (session) => restoreRows(session, migration, was));
  },
  async isUndone(wanted, was, host) {
    const now = await ledgerStateOf(wanted, host);
    return now.listed === was.listed && now.row?.state === was.row?.state;
  },
};

const migrationApplyBefore = ledgerBefore.extend({ index: z.enum(['none', 'invalid', 'sound']) });

type Before = z.output<typeof migrationApplyBefore>;

/** Runs one file as `problems migrate` does, with the same lock and the same ledger. */
export const migrationApply: Action<FilePlace, Before> = {
  name: 'migration.apply',
  description:
    'Applies one migration file under the lock of its database, with its rows in the ledger. Undo drops an index that it built concurrently; changes of a transaction are kept.',
  params: filePlace,
  undoState: migrationApplyBefore,
  operation: operations['retry-migration'],
  deadlineMs: 3_600_000,
  describe: ({ name, database }) => `apply ${name} to ${database}`,
  async effect(wanted, host) {
    const now = await stateOf(wanted, host);
    return [
      {
        object: `${wanted.database}: ${wanted.name}`,
        before: now.listed ? 'applied, without its index' : (now.row?.state ?? 'not applied'),
        after: 'applied',
      },
    ];
  },
  prepare: async (wanted, host) => stateOf(wanted, host),
  async isDone(wanted, host) {
    const migration = await fileOf(wanted, host);
    const now = await stateOf(wanted, host);
    if (!now.listed || (now.row !== null && now.row.state !== 'done')) return false;
    return indexOfFile(migration) === undefined || now.index === 'sound';
  },
  async apply(wanted, host) {
    const migration = await fileOf(wanted, host);
    const report = await migrate([migration], {
      open: async (database) => openDirect(host, wanted, database),
      database: wanted.database,
      runner: host.run.id,
      stop: host.signal,
      waitMs: 60_000,
    });
    const [problem] = report.problems;
    if (problem !== undefined)
      throw new ProblemsError('step-refused', `${problem.sqlstate ?? ''} ${problem.message}`.trim());
    if (indexOfFile(migration) !== undefined)
      await underLock(host, wanted, async (session) => buildIndexAgain(session, migration));
  },
  async undo(wanted, was, host) {
    const migration = await fileOf(wanted, host);
    if (was.index !== 'none' || indexOfFile(migration) === undefined) return;
    await underLock(host, wanted, async (session) => undoIndexBuild(session, migration, was));
  },
  async isUndone(wanted, was, host) {
    if (was.index !== 'none' || indexOfFile(await fileOf(wanted, host)) === undefined) return true;
    const now = await stateOf(wanted, host);
    return now.index === 'none' && now.listed === was.listed && now.row?.state === was.row?.state;
  },
};

async function stateOf(wanted: FilePlace, host: ReadonlyHost): Promise<Before> {
  const migration = await fileOf(wanted, host);
  return { ...(await ledgerStateOf(wanted, host)), index: await migrationApplyIndexNow(wanted, migration, host) };
}

async function migrationApplyIndexNow(
  wanted: FilePlace,
  migration: Migration,
  host: ReadonlyHost,
): Promise<Before['index']> {
  const named = indexOfFile(migration);
  if (named?.table === undefined) return 'none';
  const [found] = await rowsOf(
    host,
    wanted,
    `WITH ${databasePath}, wanted AS MATERIALIZED (
       SELECT pg_catalog.to_regclass(pg_catalog.concat_ws('.', pg_catalog.quote_ident(NULLIF($1, '')), pg_catalog.quote_ident($2)))::oid AS oid
       FROM own WHERE own.set)
     SELECT i.indisvalid AND i.indisready AND i.indislive AS sound
     FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
       JOIN wanted ON i.indrelid = wanted.oid
     WHERE c.relname = $3`,
    [named.table.schema ?? '', named.table.name, named.name],
  );
  return found === undefined ? 'none' : found['sound'] === 't' ? 'sound' : 'invalid';
}
