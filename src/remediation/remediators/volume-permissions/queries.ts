import type { Instance } from '../../../host/instance.ts';
import type { ReadonlyHost } from '../../contract.ts';

/** One byte of every relation's file, read as the server's own user: what `pg_isready` does not ask (PGOPS §0.4). */
export const everyRelation = `SELECT count(pg_catalog.pg_read_binary_file(path, 0, 1, true)) AS readable
FROM (SELECT pg_catalog.pg_relation_filepath(oid) AS path FROM pg_catalog.pg_class) AS files WHERE path IS NOT NULL`;

const databases = 'SELECT datname FROM pg_catalog.pg_database WHERE datallowconn ORDER BY datname COLLATE "C"';

/**
 * Databases whose text was sorted by another version of the C library than the one there is: data that came from Alpine
 * to Debian, or back (PGOPS §4.3). No version was recorded where the library had none to give.
 */
const collations = `SELECT datname || ': ' || coalesce(datcollversion, 'no version') || ', here ' || coalesce(pg_catalog.pg_database_collation_actual_version(oid), 'no version') AS collation
FROM pg_catalog.pg_database WHERE datcollversion IS DISTINCT FROM pg_catalog.pg_database_collation_actual_version(oid) AND datallowconn
ORDER BY datname COLLATE "C"`;

export async function databasesOf(instance: Instance, host: ReadonlyHost): Promise<readonly string[]> {
  const answer = await host.sql.query(instance, databases);
  return answer.ok ? answer.rows.flatMap((row) => row['datname'] ?? []) : [instance.database];
}

/** Of all databases together; undefined where it could not be asked. */
export async function bytesOf(instance: Instance, host: ReadonlyHost): Promise<number | undefined> {
  const sizes = 'SELECT sum(pg_catalog.pg_database_size(oid))::text AS bytes FROM pg_catalog.pg_database';
  const answer = await host.sql.query(instance, sizes, { timeoutMs: 30_000 });
  return answer.ok ? Number(answer.rows[0]?.['bytes'] ?? 0) : undefined;
}

/** Sorted; null where it could not be asked, as of a server before 15, which does not record it. */
export async function unfitCollations(instance: Instance, host: ReadonlyHost): Promise<string[] | null> {
  const answer = await host.sql.query(instance, collations);
  return answer.ok ? answer.rows.flatMap((row) => row['collation'] ?? []) : null;
}
