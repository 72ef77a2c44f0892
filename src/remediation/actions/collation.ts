import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Instance } from '../../host/instance.ts';
import type { SqlRow, SqlSession } from '../../host/postgres/types.ts';
import { isRebuilt, resetSession, takeLock } from '../../migration/index.ts';
import type { Action, Host, ReadonlyHost } from '../contract.ts';
import { operations } from '../operations.ts';

const placeParams = { instance: z.string(), container: z.string(), database: z.string().min(1).max(63) };

const indexParams = z.strictObject({
  /** A rebuilt index has another oid. */
  oid: z.string().regex(/^\d{1,10}$/),
  /** With its schema, quoted if needed. */
  name: z.string().max(300),
});

interface Place {
  readonly instance: string;
  readonly container: string;
  readonly database: string;
}

async function requireInstance(host: ReadonlyHost, { instance, container }: Place): Promise<Instance> {
  const found = await host.instance(instance);
  if (found?.container.id !== container)
    throw new ProblemsError('step-refused', `${instance} has been recreated since the plan was made.`);
  return found;
}

async function rowsOf(
  host: ReadonlyHost,
  place: Place,
  sql: string,
  values: readonly string[],
): Promise<readonly SqlRow[]> {
  const { database } = place;
  const answer = await host.sql.query(await requireInstance(host, place), sql, { database, values });
  if (answer.ok) return answer.rows;
  throw new Error(`${database} of ${place.instance}: ${answer.sqlstate ?? ''} ${answer.message}`);
}

async function ask(session: SqlSession, sql: string, values?: readonly string[]): Promise<readonly SqlRow[]> {
  const answer = await session.query(sql, values);
  if (answer.ok) return answer.rows;
  const message = `${answer.sqlstate ?? ''} ${answer.message}`.trim();
  throw new ProblemsError(answer.lost ? 'engine-unreachable' : 'step-refused', message);
}

/** With the lock that migrations take, so that none changes the tables meanwhile. It waits for older transactions. */
async function underLock(host: Host, place: Place, work: (session: SqlSession) => Promise<void>): Promise<void> {
  const instance = await requireInstance(host, place);
  const { database } = place;
  const session = await host.change.sql.openSession(instance, { database, application: 'problem-registry run' });
  try {
    await resetSession(session, 0);
    const waiting = { waitMs: 60_000, stop: host.signal, onProgress: () => undefined };
    const holder = await takeLock(session, waiting);
    if (holder !== undefined) throw new ProblemsError('step-refused', `A runner is migrating ${database}: ${holder}.`);
    await work(session);
  } finally {
    await session.close();
  }
}

/** Whether the index has been replaced by a sound one of the same name. */
const rebuiltQuery = `SELECT ${isRebuilt({ oid: '$1', name: '$2' })} AS rebuilt`;

/** Remains of an interrupted REINDEX CONCURRENTLY on the table of the index, and whether a session is at work on it. */
const besideQuery = `SELECT format('%I.%I', n.nspname, c.relname) AS name, c.oid = $1::oid AS own,
    EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS p
      WHERE p.datname = pg_catalog.current_database() AND p.relid = i.indrelid AND p.pid <> pg_backend_pid()) AS building
  FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE i.indrelid = (SELECT indrelid FROM pg_catalog.pg_index WHERE indexrelid = $1::oid)
    AND (c.oid = $1::oid OR NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$')`;

const rebuildParams = z.strictObject({ ...placeParams, ...indexParams.shape });

const nothing = z.strictObject({});

/**
 * Functions in an index run as the owner of its table, in a restricted operation, whoever runs REINDEX (PostgreSQL, "REINDEX").
 */
export const indexRebuild: Action<z.output<typeof rebuildParams>, z.output<typeof nothing>> = {
  name: 'index.rebuild',
  description:
    'Rebuilds an index with REINDEX INDEX CONCURRENTLY while clients go on. If it fails, what it has left is dropped and the old index stays. There is no undo: the rebuilt index holds the same rows.',
  params: rebuildParams,
  undoState: nothing,
  operation: operations.reindex,
  deadlineMs: 6 * 3_600_000,
  describe: ({ name, database }) => `rebuild the index ${name} of ${database}`,
  async effect({ name, database }) {
    return [
      { object: `${database}: ${name}`, before: 'built with another version of its collation', after: 'rebuilt' },
    ];
  },
  async prepare(wanted, host) {
    await requireInstance(host, wanted);
    return {};
  },
  async isDone({ oid, name, ...place }, host) {
    const [row] = await rowsOf(host, place, rebuiltQuery, [oid, name]);
    return row?.['rebuilt'] === 't';
  },
  async apply({ oid, name, ...place }, host) {
    await underLock(host, place, async (session) => {
      const [row] = await ask(session, rebuiltQuery, [oid, name]);
      if (row?.['rebuilt'] === 't') return;
      const before = await ask(session, besideQuery, [oid]);
      if (!before.some((one) => one['name'] === name && one['own'] === 't'))
        throw new ProblemsError('step-refused', `${name} is not the index that was planned.`);
      if (before.some((one) => one['building'] === 't'))
        throw new ProblemsError('step-refused', `A session is building an index of the table of ${name}.`);
      try {
        // The name is the one that the catalog gives for this oid.
        await ask(session, `REINDEX INDEX CONCURRENTLY ${name}`);
      } catch (error) {
        const old = new Set(before.map((one) => one['name']));
        const after = await session.query(besideQuery, [oid]);
        for (const one of after.ok ? after.rows : [])
          if (!old.has(one['name'] ?? null)) await session.query(`DROP INDEX CONCURRENTLY ${one['name'] ?? ''}`);
        throw error;
      }
    });
  },
  async undo() {
    // The rebuilt index holds the same rows, in the order of the library that the server has.
  },
  async isUndone() {
    return true;
  },
};

const refreshParams = z.strictObject({
  ...placeParams,
  /** Whether the version of the database's own collation is recorded. */
  own: z.boolean(),
  /** With their schemas, quoted if needed. */
  collations: z.array(z.string().max(300)).max(1_000),
  /** What must have been rebuilt before. */
  rebuilt: z.array(indexParams).max(1_000),
});

/** What still has another version: the names of collations in `$1` (JSON), and, if `$2`, the database. */
const outdatedQuery = `SELECT format('COLLATION %I.%I', n.nspname, c.collname) AS name
  FROM pg_catalog.pg_collation AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.collnamespace
  WHERE format('%I.%I', n.nspname, c.collname) IN (SELECT json_array_elements_text($1::json))
    AND c.collversion IS DISTINCT FROM pg_collation_actual_version(c.oid)
  UNION ALL SELECT format('DATABASE %I', datname) FROM pg_catalog.pg_database
  WHERE $2::boolean AND datname = pg_catalog.current_database()
    AND datcollversion IS DISTINCT FROM pg_database_collation_actual_version(oid)`;

export const collationRefresh: Action<z.output<typeof refreshParams>, z.output<typeof nothing>> = {
  name: 'collation.refresh',
  description:
    'Records that a database and collations have the version of the library that the server uses, if each index that was planned has been rebuilt. There is no undo: the old version would be false.',
  params: refreshParams,
  undoState: nothing,
  operation: operations['record-collation-version'],
  describe: ({ database }) => `record the versions of the collations of ${database}`,
  async effect({ own, collations, ...place }, host) {
    const rows = await rowsOf(host, place, outdatedQuery, [JSON.stringify(collations), String(own)]);
    return rows.map((row) => ({ object: row['name'] ?? '', before: 'another version', after: 'the version in use' }));
  },
  async prepare(wanted, host) {
    await requireInstance(host, wanted);
    return {};
  },
  async isDone({ own, collations, ...place }, host) {
    return (await rowsOf(host, place, outdatedQuery, [JSON.stringify(collations), String(own)])).length === 0;
  },
  async apply({ own, collations, rebuilt, ...place }, host) {
    await underLock(host, place, async (session) => {
      for (const { oid, name } of rebuilt) {
        const [row] = await ask(session, rebuiltQuery, [oid, name]);
        if (row?.['rebuilt'] !== 't') throw new ProblemsError('step-refused', `${name} has not been rebuilt.`);
      }
      for (const row of await ask(session, outdatedQuery, [JSON.stringify(collations), String(own)])) {
        const name = row['name'] ?? '';
        await ask(session, `ALTER ${name} REFRESH ${name.startsWith('DATABASE ') ? 'COLLATION ' : ''}VERSION`);
      }
    });
  },
  async undo() {
    // The version from before would be false.
  },
  async isUndone() {
    return true;
  },
};
