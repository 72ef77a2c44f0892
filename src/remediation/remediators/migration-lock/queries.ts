import { databasePath } from '../../../migration/index.ts';

/** Databases that anybody can connect to; templates are nobody's. */
export const databases = `SELECT datname::text AS name FROM pg_catalog.pg_database
  WHERE datallowconn AND NOT datistemplate ORDER BY datname`;

/**
 * Indexes that no query uses and every write may pay for, without those of partitioned tables, which are invalid until
 * each partition has its own, and without those that a session builds at this moment.
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

/** Of the relations in `$1` (JSON: objects with `schema` and `name`), those that are there, by their place in it. */
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
 * Sessions that change the schema of this database now, or hold the lock of another tool: node-pg-migrate's number is
 * known (PGOPS §5.2).
 */
export const otherRunners = `SELECT a.pid::text AS pid, a.application_name::text AS application, left(a.query, 80) AS query
  FROM pg_catalog.pg_stat_activity AS a
  WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid() AND (
    (a.state <> 'idle' AND a.query ~* '^[[:space:]]*(create|alter|drop|reindex|truncate)[[:space:]]')
    OR a.pid IN (SELECT l.pid FROM pg_catalog.pg_locks AS l WHERE l.locktype = 'advisory' AND l.granted
      AND l.database = a.datid AND ((l.classid::bigint << 32) | l.objid::bigint) = 7241865325823964))
  ORDER BY a.pid`;
