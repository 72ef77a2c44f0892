import { setTimeout as sleep } from 'node:timers/promises';
import { compareText } from '../../../util/compare.ts';
import type { Instance } from '../../../host/instance.ts';
import type { SqlResult, SqlRow } from '../../../host/postgres/types.ts';
import { headColumns } from '../../../migration/index.ts';
import type { ReadonlyHost } from '../../contract.ts';
import { placesOf } from './client-pools.ts';
import {
  lastSample,
  limitReached,
  type Limits,
  type Observation,
  type OwnLimit,
  type PoolSettings,
  type Refused,
  type Sample,
  type Session,
} from './types.ts';

/**
 * Queries of the server, READ ONLY. Columns that a version lacks are null, through jsonb.
 * See docs/engineering/connections.md#measuring.
 */

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

/** Client backends only, as one snapshot. Ages in milliseconds. */
export const sessionsOfServer = `
SELECT a.pid, a.backend_start::text AS backend_start, ${headColumns}, coalesce(host(a.client_addr), '') AS client,
  (extract(epoch FROM clock_timestamp() - a.state_change) * 1000)::bigint AS state_ms,
  (extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)::bigint AS transaction_ms,
  (extract(epoch FROM clock_timestamp() - a.backend_start) * 1000)::bigint AS session_ms,
  coalesce(a.wait_event_type, '') AS wait_type, coalesce(a.wait_event, '') AS wait_event,
  a.backend_xid IS NOT NULL AS wrote,
  CASE WHEN a.wait_event_type = 'Lock' THEN array_to_string(pg_blocking_pids(a.pid), ',') ELSE '' END AS blocked_by,
  coalesce(r.rolsuper OR r.rolreplication, true) AS privileged,
  coalesce(a.query, '') ~* '^[[:space:]]*listen[[:space:]]' AS listens,
  l.pid IS NOT NULL AS advisory, md5(coalesce(a.query, '')) AS query_hash,
  CASE WHEN a.xact_start IS NOT NULL OR l.pid IS NOT NULL THEN left(a.query, 500) ELSE '' END AS statement
FROM pg_stat_activity AS a LEFT JOIN pg_roles AS r ON r.oid = a.usesysid
  LEFT JOIN (SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory') AS l ON l.pid = a.pid
WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid() AND a.application_name <> 'problem-registry'
ORDER BY a.pid`;

/** Connection limits of roles and databases. */
export const ownLimitsQuery = `
SELECT 'role' AS kind, rolname::text AS name, rolconnlimit AS allowed FROM pg_roles WHERE rolconnlimit >= 0
UNION ALL
SELECT 'database', datname::text, datconnlimit FROM pg_database WHERE datconnlimit >= 0
ORDER BY 1, 2`;

/** Each role's own timeout of a name, as written. */
export const timeoutsOf = `
SELECT rolname::text AS role, substr(config, length($1) + 2) AS value
FROM pg_db_role_setting JOIN pg_roles ON pg_roles.oid = setrole, unnest(setconfig) AS config
WHERE setdatabase = 0 AND starts_with(config, $1 || '=')`;

export type Measurement =
  | { readonly type: 'measured'; readonly measured: Observation }
  /** All slots are in use, superuser-reserved ones included. */
  | { readonly type: 'shut-out'; readonly refused: Refused }
  | { readonly type: 'unknown'; readonly reason: string };

/** Takes one sample, and more if the first looks wrong, since a single snapshot proves nothing. */
export async function observe(instance: Instance, host: ReadonlyHost, settings: PoolSettings): Promise<Measurement> {
  const begun = performance.now();
  const limits = await host.sql.query(instance, limitsOfServer);
  if (!limits.ok) return refusedUs(limits);
  const [row] = limits.rows;
  if (row === undefined || row['sees_all'] !== 't')
    return {
      type: 'unknown',
      reason: `${instance.user} may not see the sessions of other users: it is not a member of pg_monitor.`,
    };
  const [refused, own] = await Promise.all([
    refusedLately(instance, host, settings),
    host.sql.query(instance, ownLimitsQuery),
  ]);
  const first = await sample(instance, host, begun, numberOrNull(row['opened']));
  if (!('sessions' in first)) return refusedUs(first);
  const samples: [Sample, ...Sample[]] = [first];
  const found = limitsOf(row);
  const wanted = isWorthASecondLook(first, found, refused, settings) ? settings.samples : 1;
  while (samples.length < wanted) {
    await sleep(settings.secondsBetween * 1000, undefined, { signal: host.signal });
    const again = await host.sql.query(instance, limitsOfServer);
    if (!again.ok) return refusedUs(again);
    const next = await sample(instance, host, begun, numberOrNull(again.rows[0]?.['opened']));
    if (!('sessions' in next)) return refusedUs(next);
    samples.push(next);
  }
  const places = samples.length === 1 ? new Map() : placesOf(instance, await host.docker.containers());
  return {
    type: 'measured',
    measured: {
      limits: found,
      ownLimits: own.ok ? own.rows.map(ownLimitOf) : [],
      samples: [withPlaces(samples[0], places), ...samples.slice(1).map((one) => withPlaces(one, places))],
      refused,
      cpus: instance.container.cpus || (await host.docker.info()).cpus,
      places,
    },
  };
}

function withPlaces(sampled: Sample, places: Observation['places']): Sample {
  const sessions = sampled.sessions.map((session) => ({ ...session, place: places.get(session.client)?.words ?? '' }));
  return { ...sampled, sessions };
}

/** Half of the slots in use, sessions that wait or are idle in transaction, or a refused session. */
function isWorthASecondLook(
  { sessions }: Sample,
  { maxConnections, reserved }: Limits,
  refused: readonly Refused[],
  { pressure }: PoolSettings,
): boolean {
  return (
    refused.length > 0 ||
    sessions.length >= Math.max(1, maxConnections - reserved) * Math.min(0.5, pressure) ||
    sessions.filter(({ waitType }) => waitType === 'Lock').length >= 2 ||
    sessions.filter(({ state }) => state.startsWith('idle in transaction')).length >= 3
  );
}

async function sample(
  instance: Instance,
  host: ReadonlyHost,
  begun: number,
  opened: number | null,
): Promise<Sample | (SqlResult & { readonly ok: false })> {
  const answer = await host.sql.query(instance, sessionsOfServer, { maxRows: 10_000 });
  if (!answer.ok) return answer;
  return { afterMs: Math.round(performance.now() - begun), sessions: answer.rows.map(sessionOf), opened };
}

function refusedUs({ message, sqlstate }: SqlResult & { readonly ok: false }): Measurement {
  const reached = limitReached(message);
  if (reached === undefined) return { type: 'unknown', reason: `${sqlstate ?? ''} ${message}`.trim() };
  return { type: 'shut-out', refused: { at: new Date().toISOString(), text: message, reached } };
}

/** From the log, since the server's last start: earlier refusals say nothing about its present settings. */
export async function refusedLately(
  { container }: Instance,
  host: ReadonlyHost,
  { logMinutes }: Pick<PoolSettings, 'logMinutes'>,
): Promise<readonly Refused[]> {
  const window = new Date(Date.now() - logMinutes * 60_000).toISOString();
  const { startedAt } = container.state;
  const since = Date.parse(startedAt) > Date.parse(window) ? startedAt : window;
  const lines = await host.docker.logs(container.id, { since, tail: 2_000 });
  return lines.flatMap(({ at, text }) => {
    const reached = limitReached(text);
    return reached === undefined ? [] : [{ at, text: text.slice(0, 500), reached }];
  });
}

function limitsOf(row: SqlRow): Limits {
  return {
    maxConnections: Number(row['max_connections']),
    reserved: Number(row['reserved']),
    standby: row['standby'] === 't',
    prepared: Number(row['prepared']),
    replicas: Number(row['replicas']),
    abandoned: numberOrNull(row['abandoned']),
    major: Number(row['major']),
  };
}

function ownLimitOf(row: SqlRow): OwnLimit {
  return {
    kind: row['kind'] === 'role' ? 'role' : 'database',
    name: row['name'] ?? '',
    allowed: Number(row['allowed']),
  };
}

function sessionOf(row: SqlRow): Session {
  return {
    pid: Number(row['pid']),
    backendStart: row['backend_start'] ?? '',
    database: row['database'] ?? '',
    role: row['role'] ?? '',
    application: row['application'] ?? '',
    client: row['client'] ?? '',
    state: row['state'] ?? '',
    stateMs: numberOrNull(row['state_ms']),
    transactionMs: numberOrNull(row['transaction_ms']),
    sessionMs: Number(row['session_ms']),
    waitType: row['wait_type'] ?? '',
    waitEvent: row['wait_event'] ?? '',
    wrote: row['wrote'] === 't',
    blockedBy: (row['blocked_by'] ?? '')
      .split(',')
      .filter((pid) => pid !== '')
      .map(Number),
    privileged: row['privileged'] === 't',
    advisory: row['advisory'] === 't',
    queryHash: row['query_hash'] ?? '',
    since: row['since'] ?? '',
    statement: row['statement'] ?? '',
    listens: row['listens'] === 't',
    place: '',
  };
}

function numberOrNull(text: string | null | undefined): number | null {
  return text === null || text === undefined ? null : Number(text);
}

const temporaryTables = `
SELECT count(*) AS tables FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'`;

/** Only the last statement of a session shows what session state it may have. */
const keeping = `
SELECT count(*) FILTER (WHERE query ~* '^[[:space:]]*listen[[:space:]]') AS listens,
  count(*) FILTER (WHERE query ~* '^[[:space:]]*set[[:space:]]' AND query !~* '^[[:space:]]*set[[:space:]]+(local|transaction)') AS sets,
  count(*) FILTER (WHERE query ~* '^[[:space:]]*prepare[[:space:]]+[a-z_]') AS prepares,
  count(*) FILTER (WHERE query ~* 'with[[:space:]]+hold') AS cursors
FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> 'problem-registry'`;

/** Observed session state of clients, one phrase each. An empty list does not prove that there is none. */
export async function sessionStateOf(
  instance: Instance,
  databases: readonly string[],
  measured: Observation,
  host: ReadonlyHost,
): Promise<readonly string[]> {
  const advisory = lastSample(measured).sessions.filter((session) => session.advisory).length;
  const found: [number, string][] = [[advisory, 'hold advisory locks']];
  const answer = await host.sql.query(instance, keeping);
  const row = answer.ok ? (answer.rows[0] ?? {}) : {};
  found.push(
    [Number(row['listens'] ?? 0), 'LISTEN'],
    [Number(row['sets'] ?? 0), 'SET something for the session'],
    [Number(row['prepares'] ?? 0), 'PREPARE statements by SQL'],
    [Number(row['cursors'] ?? 0), 'hold cursors'],
  );
  for (const database of databases) {
    const tables = await host.sql.query(instance, temporaryTables, { database });
    const count = tables.ok ? Number(tables.rows[0]?.['tables'] ?? 0) : 0;
    found.push([count, `temporary tables in ${database}`]);
  }
  return found.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
}

/** A session as described by the process title of its backend. */
export interface TitledSession {
  readonly role: string;
  readonly database: string;
  /** `[local]`, or the address. */
  readonly client: string;
  /** `idle`, `idle in transaction`, `SELECT`, `SELECT waiting`, `authentication`, … */
  readonly doing: string;
}

/** `postgres: role database client(port) doing`, with cluster_name in front if it is set. */
export function titledSession(title: string): TitledSession | undefined {
  const match = /^postgres: (?:[^ ]+: )?(?!walsender )(\S+) (\S+) (\[local\]|[^\s()]+\(\d+\)) (\S.*)$/.exec(title);
  if (match === null) return undefined;
  const [, role = '', database = '', client = '', doing = ''] = match;
  return { role, database, client: client.replace(/\(\d+\)$/, ''), doing };
}

/** `97 × app vrooli 172.18.0.3 idle in transaction`, most frequent first. */
export function countedTitles(titles: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const title of titles) {
    const session = titledSession(title);
    if (session === undefined) continue;
    const key = `${session.role} ${session.database} ${session.client} ${session.doing}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a, many], [b, more]) => more - many || compareText(a, b))
    .map(([key, n]) => `${n} × ${key}`);
}
