import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import {
  buildIndexAgain,
  databasePath,
  indexOfFile,
  migrate,
  type Migration,
  takeBackIndex,
} from '../../migration/index.ts';
import type { Action, ReadonlyHost } from '../contract.ts';
import {
  fileOf,
  filePlace,
  type FilePlace,
  ledgerBefore,
  ledgerStateOf,
  openDirect,
  rowsOf,
  underLock,
} from './migrations.ts';

const before = ledgerBefore.extend({ index: z.enum(['none', 'invalid', 'sound']) });
type Before = z.output<typeof before>;

/** Runs one file as `problems migrate` does, with the same lock and the same ledger. */
export const migrationApply: Action<FilePlace, Before> = {
  name: 'migration.apply',
  about:
    'Applies one migration file under the lock of its database, with its rows in the ledger. Undone is an index that it built concurrently; what a file did in its transaction stays.',
  params: filePlace,
  before,
  operation: 'retry-migration',
  deadlineMs: 3_600_000,
  describe: ({ name, database }) => `apply ${name} to ${database}`,
  async effect(wanted, host) {
    const now = await stateOf(wanted, host);
    return [
      {
        object: `${wanted.database}: ${wanted.name}`,
        before: now.listed ? 'applied, its index is not there' : (now.row?.state ?? 'not applied'),
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
    await underLock(host, wanted, async (session) => takeBackIndex(session, migration, was));
  },
  async isUndone(wanted, was, host) {
    if (was.index !== 'none' || indexOfFile(await fileOf(wanted, host)) === undefined) return true;
    const now = await stateOf(wanted, host);
    return now.index === 'none' && now.listed === was.listed && now.row?.state === was.row?.state;
  },
};

async function stateOf(wanted: FilePlace, host: ReadonlyHost): Promise<Before> {
  const migration = await fileOf(wanted, host);
  return { ...(await ledgerStateOf(wanted, host)), index: await indexNow(wanted, migration, host) };
}

async function indexNow(wanted: FilePlace, migration: Migration, host: ReadonlyHost): Promise<Before['index']> {
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
