import { setTimeout as sleep } from 'node:timers/promises';
import type { Instance } from '../../../host/instance.ts';
import type { SqlResult, SqlRow } from '../../../host/postgres/types.ts';
import type { ReadonlyHost } from '../../contract.ts';
import type { Limits, Measured, OwnLimit, Refused, Sample, Session } from './measured.ts';
import { limitsOfServer, ownLimits, sessionsOfServer } from './queries.ts';
import type { PoolSettings } from './settings.ts';
import { limitReached } from './wordings.ts';

export type Measurement =
  | { readonly type: 'measured'; readonly measured: Measured }
  /** All slots are taken, those of superusers too. */
  | { readonly type: 'shut-out'; readonly refused: Refused }
  | { readonly type: 'unknown'; readonly reason: string };

/** One look; more of them where the first shows that something may be wrong, since a moment proves nothing. */
export async function measure(instance: Instance, host: ReadonlyHost, settings: PoolSettings): Promise<Measurement> {
  const begun = performance.now();
  const limits = await host.sql.query(instance, limitsOfServer);
  if (!limits.ok) return refusedUs(limits);
  const [row] = limits.rows;
  if (row === undefined || row['sees_all'] !== 't')
    return {
      type: 'unknown',
      reason: `${instance.user} may not see the sessions of others: it is no member of pg_monitor.`,
    };
  const [refused, own] = await Promise.all([
    refusedLately(instance, host, settings),
    host.sql.query(instance, ownLimits),
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
  return {
    type: 'measured',
    measured: {
      limits: found,
      ownLimits: own.ok ? own.rows.map(ownLimitOf) : [],
      samples,
      refused,
      cpus: instance.container.cpus || (await host.docker.info()).cpus,
    },
  };
}

/** Half of the slots, sessions that wait or do nothing in a transaction, or somebody who was refused. */
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

/** Of the log, since this start of the server: what an earlier one refused says nothing about its settings now. */
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
  };
}

function numberOrNull(text: string | null | undefined): number | null {
  return text === null || text === undefined ? null : Number(text);
}
