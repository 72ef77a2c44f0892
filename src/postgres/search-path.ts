/**
 * The search_path of our own statements. A database's own path is set by its owner. Functions and operators that it finds
 * before those of `pg_catalog` would run with our rights, and READ ONLY does not stop a program that a superuser starts.
 * Without `pg_temp` at the end, temporary tables would come first.
 */
export const safePath = 'pg_catalog, pg_temp';

/** The same for PGOPTIONS, where a space would end it. */
export const safePathOption = 'pg_catalog,pg_temp';

/** Makes the safe path that of a session. `RESET search_path` goes back to the database's own. */
export const setSafePath = `SET search_path = ${safePath}`;

/**
 * A query for WITH that makes unqualified names mean what they mean to the application. Operators, functions and types
 * are resolved when a statement is parsed, and there the safe path holds. `to_regclass` and the functions that print names
 * look them up when they run: for the rest of the statement, or of its transaction, they use the database's own path,
 * which is the value that RESET would give. Read `own` before anything that depends on it.
 */
export const databasePath = `own AS MATERIALIZED (SELECT pg_catalog.set_config('search_path', reset_val, true) IS NOT NULL AS set
    FROM pg_catalog.pg_settings WHERE name = 'search_path')`;
