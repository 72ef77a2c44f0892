import type { Instance } from '../../../host/instance.ts';
import type { Finding, Plan, ReadonlyHost, Refusal, Step } from '../../contract.ts';
import { poolerOf } from '../../shared/availability.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { nameOf } from './describe.ts';
import { diagnose, type Diagnosis, holdersOf, manyStuck } from './diagnose.ts';
import { observe, timeoutsOf } from './observe.ts';
import { ceilingOf, planRaise, wantedConnections } from './plan-max-connections.ts';
import { planPooler } from './plan-pooler.ts';
import { refusalFor, refusalPastPooler, refusalWithoutSlot } from './refusals.ts';
import {
  lastSample,
  type Observation,
  ordinarySlots,
  type PoolDetails,
  type PoolExpected,
  type PoolSettings,
  poolSettings,
  type Session,
  spared,
} from './types.ts';

/** Each role's own idle_in_transaction_session_timeout in seconds; 0: none. Skips roles without one. */
export async function ownTimeouts(
  instance: Instance,
  host: ReadonlyHost,
): Promise<ReadonlyMap<string, number> | undefined> {
  const answer = await host.sql.query(instance, timeoutsOf);
  if (!answer.ok) return undefined;
  return new Map(answer.rows.map((row) => [row['role'] ?? '', secondsOf(row['value'] ?? '')]));
}

/** As PostgreSQL parses it: a bare number is milliseconds. */
export function secondsOf(value: string): number {
  const [, amount = '0', unit = 'ms'] = /^(\d+)\s*(us|ms|s|min|h|d)?$/.exec(value.trim()) ?? [];
  const factors: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1, min: 60, h: 3_600, d: 86_400 };
  return Number(amount) * (factors[unit] ?? 0);
}

/** Sessions that `session.end-idle` and `session.terminate` skip. */
const tools = /pg_dump|pg_restore|pg_basebackup|pg_receivewal|flyway|liquibase|alembic|migrat/i;

/**
 * Sets a timeout for the roles that leave transactions open, then ends the sessions that are already stuck, since the new
 * timeout does not affect them (docs/engineering/settings.md#timeouts). In this order reconnecting clients have it.
 */
async function planLeak(
  finding: Finding<PoolDetails>,
  instance: Instance,
  measured: Observation,
  diagnosis: Diagnosis & { readonly kind: 'leak' },
  settings: PoolSettings,
  host: ReadonlyHost,
): Promise<Plan<PoolExpected> | Refusal> {
  const { name, container, volumeKey } = instance;
  const ended = diagnosis.stuck.filter(mayBeEnded);
  const left = diagnosis.stuck.length - ended.length;
  if (ended.length === 0 || ended.length > settings.maxEnded || left >= manyStuck)
    return refusal(
      `${left} of the ${diagnosis.stuck.length} sessions stuck in transactions must not be ended automatically (superusers, replication, holders of advisory locks, dumps and migrations), and a plan ends at most ${settings.maxEnded}.`,
      `Restart the application that holds them: ${diagnosis.holders.slice(0, 3).map(nameOf).join('; ')}. It does not end its transactions after errors.`,
    );
  const roles = [...new Set(ended.map(({ role }) => role))].sort();
  const timeout = settings.idleInTransactionTimeoutSeconds;
  const own = await ownTimeouts(instance, host);
  if (own === undefined)
    return refusal(`The timeouts of the roles of ${name} could not be read.`, 'Run `problems detect` again.');
  const unarmed = roles.filter((role) => {
    const seconds = own.get(role) ?? 0;
    return seconds === 0 || seconds > timeout;
  });
  const [most] = holdersOf(ended);
  const unattended = ended.filter((session) => !session.wrote && (session.stateMs ?? 0) >= timeout * 1000);
  const approved = ended.filter((session) => !unattended.includes(session));
  const wrote = ended.filter((session) => session.wrote).length;
  const steps: readonly Step[] = [
    ...unarmed.map((role): Step => ({
      action: 'role.alter-setting',
      params: { instance: name, role, name: 'idle_in_transaction_session_timeout', value: `${timeout}s` },
      why: `Only for this role: others, such as migrations, may need longer transactions. It applies to new sessions.`,
      expects: [{ check: 'container', ref: container.id, running: true, startedAt: container.state.startedAt }],
    })),
    ...end(
      'session.end-idle',
      name,
      unattended,
      timeout,
      'The timeout would have ended them long ago; they have written nothing.',
    ),
    ...end(
      'session.terminate',
      name,
      approved,
      settings.stuckSeconds,
      `They have been idle for less than the timeout, or have written, so this needs approval. Changes of ${wrote} sessions are rolled back.`,
    ),
  ];
  return {
    type: 'plan',
    remediator: finding.remediator,
    finding,
    target: { instance: name, container: container.id, volumes: [volumeKey] },
    summary: `Set idle_in_transaction_session_timeout to ${timeout} s for ${roles.join(', ')} on ${name}, and end the ${ended.length} sessions that are stuck.`,
    done: `idle_in_transaction_session_timeout set to ${timeout} s for ${roles.join(', ')} on ${name}, and ${ended.length} stuck sessions ended`,
    steps,
    cleanup: [],
    leftovers: [],
    risk: wrote > 0 ? 'data' : 'safe',
    downtime: { seconds: 0, why: 'The server keeps running; only idle sessions end.' },
    unpredictable: [
      `This does not fix the application that leaves transactions open: ${diagnosis.holders.slice(0, 3).map(nameOf).join('; ')}. Its new sessions end after ${timeout} s in an idle transaction.`,
      ...(left > 0 ? [`${left} stuck sessions remain, which must not be ended automatically.`] : []),
    ],
    undo: 'The timeout is reset. Ended sessions and their uncommitted changes cannot be restored.',
    expected: {
      name: container.name,
      promised: Math.max(1, ordinarySlots(measured.limits) - spared),
      clients: 0,
      role: most?.role ?? instance.user,
      database: most?.database ?? instance.database,
      timeout: { roles, seconds: timeout },
      maxConnections: null,
      systemIdentifier: null,
      pooler: null,
    },
  };
}

export function mayBeEnded({ privileged, advisory, application }: Session): boolean {
  return !privileged && !advisory && !tools.test(application);
}

function end(
  action: 'session.end-idle' | 'session.terminate',
  instance: string,
  sessions: readonly Session[],
  minimumSeconds: number,
  why: string,
): readonly Step[] {
  if (sessions.length === 0) return [];
  const chosen = sessions.map(({ pid, backendStart, role }) => ({ pid, backendStart, role }));
  return [{ action, params: { instance, sessions: chosen, minimumSeconds }, why }];
}

/** Measures again, and plans the repair if the problem persists. */
export async function plan(finding: Finding<PoolDetails>, host: ReadonlyHost): Promise<Plan<PoolExpected> | Refusal> {
  const { details } = finding;
  const instance = await host.instance(finding.instance);
  if (instance === undefined || instance.container.id !== details.container)
    return refusal(`${finding.instance} has been recreated since it was checked.`, 'Run `problems detect` again.');
  const settings = poolSettings(host);
  const measurement = await observe(instance, host, settings);
  if (measurement.type === 'unknown') return refusal(measurement.reason, 'Run `problems detect` again.');
  if (measurement.type === 'shut-out') return refusalWithoutSlot(instance.name);
  const { measured } = measurement;
  const pooler = await poolerOf(instance, host);
  if (details.kind === 'past-the-pooler' && pooler !== undefined) return refusalPastPooler(instance.name, pooler.name);
  const diagnosis = diagnose(measured, settings).find(
    (one) =>
      one.kind === details.kind &&
      (one.kind !== 'deliberate-limit' || `${one.limit.kind} ${one.limit.name}` === details.subject),
  );
  if (diagnosis === undefined)
    return refusal(`${instance.name} has changed since it was checked.`, 'Run `problems detect` again.');
  switch (diagnosis.kind) {
    case 'leak':
      return planLeak(finding, instance, measured, diagnosis, settings, host);
    case 'deliberate-limit':
    case 'lock-pile-up':
    case 'idle-leak':
    case 'undetermined':
      return refusalFor(diagnosis, instance.name, measured);
    case 'undersized': {
      const found = await ceilingOf(instance, measured.cpus, host);
      const wanted = wantedConnections(diagnosis.demand, measured.limits.reserved, found.ceiling.connections);
      if (wanted !== undefined && wanted > measured.limits.maxConnections)
        return planRaise(finding, instance, measured, wanted, found, host);
      return planPooler(finding, instance, measured, diagnosis.demand, settings, host);
    }
    case 'load':
    case 'oversized-pools':
      return planPooler(finding, instance, measured, lastSample(measured).sessions.length, settings, host);
    case 'no-pooling':
      return planPooler(finding, instance, measured, diagnosis.demand, settings, host);
  }
}
