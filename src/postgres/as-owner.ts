/**
 * SQL for psql that reads tables of other roles as their owners. Planning a query evaluates the expressions of a table's
 * indexes and statistics, which call its owner's functions, so a superuser would run them with a superuser's rights. `SET ROLE`
 * does not help, since such a function can set it back; within a SECURITY DEFINER function it cannot.
 *
 * A caller must end with ROLLBACK: a cursor WITH HOLD that such a function has declared would run as the caller at COMMIT.
 */

const owner = 'o.relowner';

const reader = `'problems_as_' || ${owner}`;

const isSuperuser = `(SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.oid = ${owner})`;

/**
 * Creates one function for each owner who is not a superuser. `tables` is FROM and WHERE over `pg_class o`. A standby cannot
 * create them; then `readAsOwner` returns null. EXECUTE is revoked, since functions of one owner could call those of another.
 */
export function createReaders(tables: string): string {
  return String.raw`
\set ON_ERROR_STOP off
SET default_transaction_read_only = off;
SELECT format('CREATE FUNCTION pg_temp.%I(query text) RETURNS SETOF json LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS ''BEGIN RETURN QUERY EXECUTE query; END''', reader),
  format('REVOKE ALL ON FUNCTION pg_temp.%I(text) FROM PUBLIC', reader),
  format('ALTER FUNCTION pg_temp.%I(text) OWNER TO %I', reader, pg_catalog.pg_get_userbyid(owner))
FROM (SELECT DISTINCT ${reader} AS reader, ${owner} AS owner ${tables} AND NOT ${isSuperuser}) AS owners ORDER BY owner \gexec
RESET default_transaction_read_only;
\set ON_ERROR_STOP on
`;
}

/**
 * The text of a statement that runs `query`, an SQL expression for the text of a query that returns json, as the owner of `o`;
 * null if that is not possible. A superuser reads its own tables directly, unless the owner of the schema `n` could put a view
 * in the place of the table.
 */
export function readAsOwner(query: string): string {
  return `CASE
    WHEN EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.pronamespace = pg_catalog.pg_my_temp_schema()
      AND p.proname = ${reader} AND p.proowner = ${owner} AND p.prosecdef)
      THEN format('SELECT * FROM pg_temp.%I(%L)', ${reader}, ${query})
    WHEN ${isSuperuser} AND (SELECT s.rolsuper FROM pg_catalog.pg_roles s WHERE s.oid = CASE
        WHEN pg_catalog.pg_get_userbyid(n.nspowner) <> 'pg_database_owner' THEN n.nspowner
        ELSE (SELECT d.datdba FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) END)
      THEN ${query}
    END`;
}
