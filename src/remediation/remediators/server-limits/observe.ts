import { z } from 'zod';
import type { Instance } from '../../../host/instance.ts';
import type { ReadonlyHost } from '../../contract.ts';
import { parseJson } from '../../../util/json.ts';
import { type ServerState, serverState } from './types.ts';

/** Catalogs only, in one query, since each query opens a connection. */
export const stateQuery = `SELECT json_build_object(
    'databases', (SELECT json_agg(json_build_object('name', datname, 'age', age(datfrozenxid), 'members', mxid_age(datminmxid))
        ORDER BY age(datfrozenxid) DESC, datname) FROM pg_catalog.pg_database),
    'holders', (SELECT coalesce(json_agg(json_build_object('kind', kind, 'name', name, 'age', age) ORDER BY age DESC, kind, name), '[]'::json)
      FROM (SELECT kind, name, age FROM (
          SELECT 'session' AS kind, pid::text AS name, age(backend_xmin) AS age FROM pg_catalog.pg_stat_activity
            WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid()
          UNION ALL SELECT 'prepared', gid, age(transaction) FROM pg_catalog.pg_prepared_xacts
          UNION ALL SELECT 'slot', slot_name::text, greatest(age(xmin), age(catalog_xmin)) FROM pg_catalog.pg_replication_slots
            WHERE xmin IS NOT NULL OR catalog_xmin IS NOT NULL) AS every_holder
        ORDER BY age DESC LIMIT 5) AS oldest),
    'slots', (SELECT coalesce(json_agg(json_build_object('name', slot_name::text, 'active', active, 'status', wal_status, 'type', slot_type,
        'begins', restart_lsn::text, 'unusedFor', extract(epoch FROM now() - (to_jsonb(s) ->> 'inactive_since')::timestamptz),
        'kept', pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn))
        ORDER BY slot_name), '[]'::json) FROM pg_catalog.pg_replication_slots AS s),
    'keepLimit', (SELECT nullif(setting::numeric, -1) * 1048576 FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size'),
    'wal', (SELECT json_build_object('bytes', wal_bytes, 'seconds', coalesce(extract(epoch FROM now() - stats_reset), 0)) FROM pg_catalog.pg_stat_wal)
  )::text AS state`;

/**
 * Undefined if no connection was made: the availability check says what is wrong then.
 * @throws Error if the server refuses the question, or does not answer as PostgreSQL does.
 */
export async function observe(instance: Instance, host: ReadonlyHost): Promise<ServerState | undefined> {
  const answer = await host.sql.query(instance, stateQuery, { timeoutMs: 10_000 });
  if (!answer.ok && answer.sqlstate === undefined) return undefined;
  if (!answer.ok) throw new Error(`${instance.name}: ${answer.sqlstate ?? ''} ${answer.message}`);
  const parsed = serverState.safeParse(parseJson(answer.rows[0]?.['state'] ?? ''));
  if (parsed.success) return parsed.data;
  throw new Error(`${instance.name} answered a question about its limits with something else than PostgreSQL does.`);
}

/**
 * Who may not list the folders of the server gets an error. `pg_ls_logdir` fails without its folder. A crash leaves files of
 * tables that were never committed; those of the last day may be of a transaction that is still open.
 */
export const usesQuery = `SELECT json_build_object(
    'databases', (SELECT coalesce(sum(pg_database_size(oid)), 0) FROM pg_catalog.pg_database),
    'WAL', (SELECT coalesce(sum(size), 0) FROM pg_ls_waldir()),
    'temporary files', (SELECT coalesce(sum(size), 0) FROM pg_ls_tmpdir()),
    'logs', CASE WHEN (SELECT isdir FROM pg_stat_file(current_setting('log_directory'), true))
      THEN (SELECT coalesce(sum(size), 0) FROM pg_ls_logdir()) ELSE 0 END,
    'files that belong to no table of ' || current_database(), (SELECT coalesce(sum(f.size), 0)
      FROM (SELECT oid, CASE dattablespace WHEN 1663 THEN 'base/' || oid END AS folder FROM pg_catalog.pg_database WHERE datname = current_database()) AS d,
        pg_ls_dir(d.folder) AS n (name), pg_stat_file(d.folder || '/' || n.name, true) AS f
      WHERE n.name ~ '^[0-9]+(_[a-z]+)?([.][0-9]+)?$' AND f.modification < now() - interval '1 day'
        AND substring(n.name FROM '^[0-9]+')::oid NOT IN (SELECT node FROM
          (SELECT pg_relation_filenode(oid) AS node FROM pg_catalog.pg_class) AS every_file WHERE node IS NOT NULL)),
    'WAL files that wait for the archive', (SELECT count(*) * pg_size_bytes(current_setting('wal_segment_size')) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready')
  )::text AS uses`;

const uses = z.record(z.string(), z.number());

/** What takes space on the disk with the data, in bytes; empty if the server does not tell. */
export async function usesOf(instance: Instance, host: ReadonlyHost): Promise<Readonly<Record<string, number>>> {
  const answer = await host.sql.query(instance, usesQuery, { timeoutMs: 30_000 });
  const parsed = uses.safeParse(parseJson(answer.ok ? (answer.rows[0]?.['uses'] ?? '') : ''));
  return parsed.success ? parsed.data : {};
}
