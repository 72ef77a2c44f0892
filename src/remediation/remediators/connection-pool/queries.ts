/** What the server is asked, READ ONLY. Columns that a version lacks are null by way of jsonb. PGOPS §2.2. */

export const limitsOfServer = `
SELECT current_setting('max_connections') AS max_connections,
  current_setting('superuser_reserved_connections')::int + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved,
  pg_is_in_recovery() AS standby,
  (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) OR pg_has_role('pg_monitor', 'member') AS sees_all,
  (SELECT count(*) FROM pg_prepared_xacts) AS prepared,
  (SELECT count(*) FROM pg_stat_replication WHERE application_name NOT LIKE 'pg_basebackup%') AS replicas,
  (SELECT sum((to_jsonb(d) ->> 'sessions')::bigint) FROM pg_stat_database AS d) AS opened,
  (SELECT sum((to_jsonb(d) ->> 'sessions_abandoned')::bigint) FROM pg_stat_database AS d) AS abandoned,
  current_setting('server_version_num')::int / 10000 AS major,
  pg_postmaster_start_time()::text AS started`;

/** Only client backends count; a snapshot of one moment. Ages in milliseconds. */
export const sessionsOfServer = `
SELECT a.pid, a.backend_start::text AS backend_start, coalesce(a.datname, '') AS database, coalesce(a.usename, '') AS role,
  coalesce(a.application_name, '') AS application, coalesce(host(a.client_addr), '') AS client, coalesce(a.state, '') AS state,
  (extract(epoch FROM clock_timestamp() - a.state_change) * 1000)::bigint AS state_ms,
  (extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)::bigint AS transaction_ms,
  (extract(epoch FROM clock_timestamp() - a.backend_start) * 1000)::bigint AS session_ms,
  coalesce(a.wait_event_type, '') AS wait_type, coalesce(a.wait_event, '') AS wait_event,
  a.backend_xid IS NOT NULL AS wrote,
  CASE WHEN a.wait_event_type = 'Lock' THEN array_to_string(pg_blocking_pids(a.pid), ',') ELSE '' END AS blocked_by,
  coalesce(r.rolsuper OR r.rolreplication, true) AS privileged,
  a.pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory') AS advisory,
  md5(coalesce(a.query, '')) AS query_hash
FROM pg_stat_activity AS a LEFT JOIN pg_roles AS r ON r.oid = a.usesysid
WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid() AND a.application_name <> 'problem-registry'
ORDER BY a.pid`;

/** Limits that somebody gave a role or a database. */
export const ownLimits = `
SELECT 'role' AS kind, rolname::text AS name, rolconnlimit AS allowed FROM pg_roles WHERE rolconnlimit >= 0
UNION ALL
SELECT 'database', datname::text, datconnlimit FROM pg_database WHERE datconnlimit >= 0
ORDER BY 1, 2`;

/** What roles have of their own as idle_in_transaction_session_timeout, as it was written. */
export const timeoutsOf = `
SELECT rolname::text AS role, substr(config, length('idle_in_transaction_session_timeout=') + 1) AS value
FROM pg_db_role_setting JOIN pg_roles ON pg_roles.oid = setrole, unnest(setconfig) AS config
WHERE setdatabase = 0 AND config LIKE 'idle_in_transaction_session_timeout=%'`;
