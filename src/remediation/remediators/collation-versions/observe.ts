import type { z } from 'zod';
import type { Instance } from '../../../host/instance.ts';
import { parseJson } from '../../../util/json.ts';
import type { ReadonlyHost } from '../../contract.ts';
import { type Affected, type ClusterState, clusterState, databaseState, type Versions } from './types.ts';

/** Whether a library has changed: the first collation of each provider has another version. `pg_collation` is of one database. */
const namedDiffer = `EXISTS (SELECT FROM (SELECT DISTINCT ON (collprovider) oid, collversion FROM pg_catalog.pg_collation
        WHERE collversion IS NOT NULL ORDER BY collprovider, oid) AS first
      WHERE collversion IS DISTINCT FROM pg_collation_actual_version(oid))`;

/** The same of another database than the instance's own. */
export const namedQuery = `SELECT ${namedDiffer} AS differ`;

/**
 * Versions of all databases, and whether a library has changed for the instance's own. All 870 collations of ICU take the server
 * 40 ms. `template0` has no version, and allows no connection.
 */
export const clusterQuery = `SELECT json_build_object(
    'recovers', pg_is_in_recovery(),
    'databases', (SELECT json_agg(json_build_object('name', datname, 'recorded', datcollversion,
        'actual', pg_database_collation_actual_version(oid)) ORDER BY datname) FROM pg_catalog.pg_database WHERE datallowconn),
    'namedDiffer', ${namedDiffer}
  )::text AS state`;

/** More indexes than this are rebuilt by `reindexdb`. */
export const maxIndexes = 200;

/**
 * What depends on collations of another version in the database of the session; `$1`: whether its own collation has one.
 * PostgreSQL records no dependence on that one, so any index with an expression or a predicate may compare texts by it.
 */
export const databaseQuery = `WITH old AS MATERIALIZED (
    SELECT c.oid, format('%I.%I', n.nspname, c.collname) AS name, c.collversion AS recorded, pg_collation_actual_version(c.oid) AS actual
    FROM pg_catalog.pg_collation AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.collnamespace
    WHERE c.collversion IS NOT NULL AND c.collversion IS DISTINCT FROM pg_collation_actual_version(c.oid)),
  uses AS (
    SELECT i.indexrelid, u.used FROM pg_catalog.pg_index AS i, unnest(i.indcollation::oid[]) AS u (used)
    UNION SELECT d.objid, d.refobjid FROM pg_catalog.pg_depend AS d
      WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_collation'::regclass),
  affected AS (
    SELECT i.indexrelid, i.indisexclusion, c.relname, n.nspname, c.relpages
    FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = 'i' AND c.relpersistence <> 't' AND i.indisvalid AND (
      EXISTS (SELECT FROM uses AS u WHERE u.indexrelid = i.indexrelid
        AND (u.used IN (SELECT oid FROM old) OR $1::boolean AND u.used = 'default'::regcollation))
      OR $1::boolean AND c.oid >= 16384 AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)))
  SELECT json_build_object(
    'collations', (SELECT coalesce(json_agg(json_build_object('name', name, 'recorded', recorded, 'actual', actual) ORDER BY name), '[]'::json)
      FROM old WHERE oid IN (SELECT u.used FROM uses AS u JOIN affected AS a USING (indexrelid))),
    'indexes', (SELECT coalesce(json_agg(json_build_object('oid', indexrelid::text, 'name', format('%I.%I', nspname, relname),
        'bytes', greatest(relpages, 1)::bigint * 8192, 'exclusion', indisexclusion) ORDER BY nspname, relname), '[]'::json)
      FROM (SELECT * FROM affected ORDER BY nspname, relname LIMIT ${maxIndexes + 1}) AS listed),
    'partitioned', (SELECT coalesce(json_agg(format('%I.%I', n.nspname, c.relname) ORDER BY n.nspname, c.relname), '[]'::json)
      FROM pg_catalog.pg_partitioned_table AS p JOIN pg_catalog.pg_class AS c ON c.oid = p.partrelid
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE p.partstrat = 'r' AND EXISTS (SELECT FROM unnest(p.partcollation::oid[]) AS u (used)
        WHERE u.used IN (SELECT oid FROM old) OR $1::boolean AND u.used = 'default'::regcollation))
  )::text AS state`;

/** What `lookAt` saw. */
export interface Look {
  readonly recovers: boolean;
  readonly affected: readonly Affected[];
  /** Databases that could not be checked, and why. */
  readonly unknown: readonly string[];
}

/**
 * Undefined if no connection was made, or if PostgreSQL is older than 15, which records no version for a database.
 * @throws Error if the server refuses the question, or does not answer as PostgreSQL does.
 */
export async function lookAt(instance: Instance, host: ReadonlyHost): Promise<Look | undefined> {
  const answer = await host.sql.query(instance, clusterQuery, { timeoutMs: 10_000 });
  if (!answer.ok && (answer.sqlstate === undefined || tooOld.includes(answer.sqlstate))) return undefined;
  if (!answer.ok) throw new Error(`${instance.name}: ${answer.sqlstate ?? ''} ${answer.message}`);
  const state = answerOf(instance, clusterState, answer.rows[0]?.['state']);
  const affected: Affected[] = [];
  const unknown: string[] = [];
  for (const database of state.databases) {
    const own = differing(database);
    const differs = own !== undefined || (await namedDiffers(instance, database.name, state.namedDiffer, host));
    if (typeof differs === 'string') unknown.push(differs);
    if (differs !== true) continue;
    const values = [String(own !== undefined)];
    const found = await host.sql.query(instance, databaseQuery, { database: database.name, values, timeoutMs: 30_000 });
    if (found.ok) {
      const seen = answerOf(instance, databaseState, found.rows[0]?.['state']);
      if (own !== undefined || seen.indexes.length > 0) affected.push({ name: database.name, own, ...seen });
    } else unknown.push(`${database.name}: ${found.sqlstate ?? ''} ${found.message}`);
  }
  return { recovers: state.recovers, affected, unknown };
}

/** A text says why it is not known. `template1` usually has no tables. */
async function namedDiffers(
  instance: Instance,
  database: string,
  ofOwn: boolean,
  host: ReadonlyHost,
): Promise<boolean | string> {
  if (database === instance.database) return ofOwn;
  if (database === 'template1') return false;
  const answer = await host.sql.query(instance, namedQuery, { database, timeoutMs: 10_000 });
  return answer.ok ? answer.rows[0]?.['differ'] === 't' : `${database}: ${answer.sqlstate ?? ''} ${answer.message}`;
}

/** An unknown function, an unknown column. */
const tooOld: readonly string[] = ['42883', '42703'];

/** A database that was made with a library that states no version has none recorded: nothing can be compared. */
function differing({ name, recorded, actual }: ClusterState['databases'][number]): Versions | undefined {
  return recorded === null || recorded === actual ? undefined : { name, recorded, actual };
}

function answerOf<Shape extends z.ZodType>(
  { name }: Instance,
  shape: Shape,
  text: string | null | undefined,
): z.output<Shape> {
  const parsed = shape.safeParse(parseJson(text ?? ''));
  if (parsed.success) return parsed.data;
  throw new Error(`${name} answered a question about its collations with something else than PostgreSQL does.`);
}
