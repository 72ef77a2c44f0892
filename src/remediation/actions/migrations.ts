import { join } from 'node:path';
import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Instance } from '../../host/instance.ts';
import type { SqlSession } from '../../host/types.ts';
import {
  freshen,
  ledgerOf,
  ledgerPlace,
  type Migration,
  migrationsOf,
  readingLedger,
  standingOf,
  tablesOf,
  takeLock,
} from '../../migration/index.ts';
import type { Host, ReadonlyHost } from '../contract.ts';

/** Where a step works: an instance by its name and its container's id, and one of its databases. */
export const placeParams = { instance: z.string(), container: z.string(), database: z.string().min(1).max(63) };

export interface Place {
  readonly instance: string;
  readonly container: string;
  readonly database: string;
}

/** One migration file, as it was planned. */
export const filePlace = z.strictObject({
  ...placeParams,
  /** Within the folders that may be read. */
  folder: z.string(),
  /** The file's name. */
  name: z.string().regex(/^[^/\0]+\.sql$/),
  /** Another text is another migration. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export type FilePlace = z.output<typeof filePlace>;

/** What the ledger says of a file. */
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

async function needInstance(host: ReadonlyHost, { instance, container }: Place): Promise<Instance> {
  const found = await host.instance(instance);
  if (found?.container.id !== container)
    throw new ProblemsError('step-refused', `${instance} is another container by now.`);
  return found;
}

export async function openDirect(host: Host, place: Place, database = place.database): Promise<SqlSession> {
  return host.change.sql.openSession(await needInstance(host, place), { database, application });
}

/** Works under the lock that every runner takes, so that none is at work meanwhile. */
export async function underLock<Result>(
  host: Host,
  place: Place,
  work: (session: SqlSession) => Promise<Result>,
): Promise<Result> {
  const session = await openDirect(host, place);
  try {
    await freshen(session, lockTimeoutMs);
    const waiting = { waitMs: 60_000, stop: host.signal, onProgress: () => undefined };
    const holder = await takeLock(session, waiting);
    if (holder !== undefined)
      throw new ProblemsError('step-refused', `A runner migrates ${place.database} at this moment: ${holder}.`);
    return await work(session);
  } finally {
    await session.close();
  }
}

/** One answer of a query that changes nothing. */
export async function rowsOf(
  host: ReadonlyHost,
  place: Place,
  sql: string,
  values?: readonly string[],
): Promise<readonly Readonly<Record<string, string | null>>[]> {
  const answer = await host.sql.query(await needInstance(host, place), sql, {
    database: place.database,
    maxRows: 20_000,
    ...(values === undefined ? {} : { values }),
  });
  if (answer.ok) return answer.rows;
  const { sqlstate, message } = answer;
  throw new ProblemsError(
    sqlstate === undefined || sqlstate.startsWith('57P') ? 'engine-unreachable' : 'step-refused',
    `${place.database} of ${place.instance}: ${sqlstate ?? ''} ${message}`,
  );
}

/** @throws ProblemsError `step-refused` where it is gone, or another text by now. */
export async function fileOf({ folder, name, sha256 }: FilePlace, host: ReadonlyHost): Promise<Migration> {
  const file = await host.files.read(join(folder, name));
  const [migration] = file === undefined ? [] : migrationsOf([{ name, text: file.text }]);
  if (migration?.sha256 === sha256) return migration;
  throw new ProblemsError(
    'step-refused',
    `${join(folder, name)} is ${migration === undefined ? 'gone' : 'another text'} by now.`,
  );
}

/** @throws ProblemsError `step-refused` where file and ledger contradict each other. */
export async function ledgerStateOf(wanted: FilePlace, host: ReadonlyHost): Promise<z.output<typeof ledgerBefore>> {
  const migration = await fileOf(wanted, host);
  const tables = tablesOf((await rowsOf(host, wanted, ledgerPlace))[0]);
  const ledger = ledgerOf(await rowsOf(host, wanted, readingLedger(tables)));
  const now = standingOf(migration, ledger);
  if (now.standing === 'conflict') throw new ProblemsError('step-refused', now.message);
  const { version } = migration;
  return { listed: ledger.versions.has(version), row: ledger.rows.get(version) ?? null };
}
