/**
 * Where a database's own search_path is meant: an unqualified name of the application's. Operators, functions and types
 * are found when a statement is read, and there the path is ours (`pg_catalog`), so that nothing that the path's owner
 * put before the server's own is called with our rights. `to_regclass`, and whatever prints a name, look when they run:
 * for the rest of this one statement, or of its transaction, they look by the database's path. It is the value that
 * RESET would give. To be named in a WITH, and read before anything that depends on it.
 */
export const databasePath = `own AS MATERIALIZED (SELECT pg_catalog.set_config('search_path', reset_val, true) IS NOT NULL AS set
    FROM pg_catalog.pg_settings WHERE name = 'search_path')`;

/** As our own statements are read. `RESET search_path` before a file of the application's, and this behind it. */
export const setOwnPath = 'SET search_path = pg_catalog, pg_temp';
