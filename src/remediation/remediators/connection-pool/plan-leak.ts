import type { Instance } from '../../../host/instance.ts';
import type { Finding, Plan, ReadonlyHost, Refusal, Step } from '../../contract.ts';
import { planOn, refusal } from '../../shared/for-each-instance.ts';
import { nameOf } from './describe.ts';
import { type Diagnosis, holdersOf, manyStuck } from './diagnose.ts';
import { timeoutsOf } from './observe.ts';
import {
  type Observation,
  ordinarySlots,
  type PoolDetails,
  type PoolExpected,
  type PoolSettings,
  type Session,
  spared,
  type TimeoutName,
} from './types.ts';

/** Each role's own timeout of this name in seconds; 0: none. Skips roles without one. Undefined if they cannot be read. */
export async function ownTimeouts(
  instance: Instance,
  name: TimeoutName,
  host: ReadonlyHost,
): Promise<ReadonlyMap<string, number> | undefined> {
  const answer = await host.sql.query(instance, timeoutsOf, { values: [name] });
  if (!answer.ok) return undefined;
  return new Map(answer.rows.map((row) => [row['role'] ?? '', secondsOf(row['value'] ?? '')]));
}

/** As PostgreSQL parses it: a bare number is milliseconds. */
export function secondsOf(value: string): number {
  const [, amount = '0', unit = 'ms'] = /^(\d+)\s*(us|ms|s|min|h|d)?$/.exec(value.trim()) ?? [];
  const factors: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1, min: 60, h: 3_600, d: 86_400 };
  return Number(amount) * (factors[unit] ?? 0);
}

/** Applications whose sessions `session.end-idle` and `session.terminate` skip. */
export function isTool(application: string): boolean {
  return /pg_dump|pg_restore|pg_basebackup|pg_receivewal|flyway|liquibase|alembic|migrat/i.test(application);
}

/** Gives the roles a timeout that have none, or a longer one. */
export function timeoutSteps(
  { name: instance, container }: Instance,
  name: TimeoutName,
  roles: readonly string[],
  seconds: number,
  own: ReadonlyMap<string, number>,
): readonly Step[] {
  return roles
    .filter((role) => {
      const now = own.get(role) ?? 0;
      return now === 0 || now > seconds;
    })
    .map((role): Step => ({
      action: 'role.alter-setting',
      params: { instance, role, name, value: `${seconds}s` },
      why: `Only for this role: others, such as migrations, may need longer. It applies to new sessions.`,
      expects: [{ check: 'container', ref: container.id, running: true, startedAt: container.state.startedAt }],
    }));
}

/** After these sessions were ended, one of the clients that held the most of them gets a session again. */
export function expectTimeout(
  { container, user, database }: Instance,
  { limits }: Observation,
  ended: readonly Session[],
  timeout: PoolExpected['timeout'],
): PoolExpected {
  const [most] = holdersOf(ended);
  return {
    name: container.name,
    promised: Math.max(1, ordinarySlots(limits) - spared),
    clients: 0,
    role: most?.role ?? user,
    database: most?.database ?? database,
    timeout,
    maxConnections: null,
    systemIdentifier: null,
    pooler: null,
  };
}

/**
 * Sets a timeout for the roles that leave transactions open, then ends the sessions that are already stuck, since the new
 * timeout does not affect them (docs/engineering/settings.md#timeouts). In this order reconnecting clients have it.
 */
export async function planLeak(
  finding: Finding<PoolDetails>,
  instance: Instance,
  measured: Observation,
  diagnosis: Diagnosis & { readonly kind: 'leak' },
  settings: PoolSettings,
  host: ReadonlyHost,
): Promise<Plan<PoolExpected> | Refusal> {
  const { name } = instance;
  const ended = diagnosis.stuck.filter((session) => mayBeEnded(session, instance));
  const left = diagnosis.stuck.length - ended.length;
  if (ended.length === 0 || ended.length > settings.maxEnded || left >= manyStuck)
    return refusal(
      `${left} of the ${diagnosis.stuck.length} sessions stuck in transactions must not be ended automatically (superusers that have written or came over the socket, replication, holders of advisory locks, dumps and migrations), and a plan ends at most ${settings.maxEnded}.`,
      `Restart the application that holds them: ${diagnosis.holders.slice(0, 3).map(nameOf).join('; ')}. It does not end its transactions after errors.`,
    );
  // A timeout for the superuser of the image would reach operators too.
  const roles = [...new Set(ended.filter(({ privileged }) => !privileged).map(({ role }) => role))].sort();
  const superusers = ended.filter(({ privileged }) => privileged).length;
  const timeout = settings.idleInTransactionTimeoutSeconds;
  const own = await ownTimeouts(instance, 'idle_in_transaction_session_timeout', host);
  if (own === undefined)
    return refusal(`The timeouts of the roles of ${name} could not be read.`, 'Run `problems detect` again.');
  const unattended = ended.filter(
    ({ privileged, wrote: hasWritten, stateMs }) => !privileged && !hasWritten && (stateMs ?? 0) >= timeout * 1000,
  );
  const approved = ended.filter((session) => !unattended.includes(session));
  const wrote = ended.filter((session) => session.wrote).length;
  const steps: readonly Step[] = [
    ...timeoutSteps(instance, 'idle_in_transaction_session_timeout', roles, timeout, own),
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
      `They have been idle for less than the timeout, have written, or belong to a superuser, so this needs approval. Changes of ${wrote} sessions are rolled back.`,
    ),
  ];
  const limited = `${timeout} s for ${roles.join(', ')} on ${name}`;
  return {
    ...planOn(finding, instance),
    summary:
      roles.length === 0
        ? `End the ${ended.length} sessions of ${name} that are stuck.`
        : `Set idle_in_transaction_session_timeout to ${limited}, and end the ${ended.length} sessions that are stuck.`,
    done:
      roles.length === 0
        ? `${ended.length} stuck sessions of ${name} ended`
        : `idle_in_transaction_session_timeout set to ${limited}, and ${ended.length} stuck sessions ended`,
    steps,
    risk: wrote > 0 ? 'data' : 'safe',
    downtime: { seconds: 0, why: 'The server keeps running; only idle sessions end.' },
    unpredictable: [
      `This does not fix the application that leaves transactions open: ${diagnosis.holders.slice(0, 3).map(nameOf).join('; ')}.${roles.length === 0 ? '' : ` Its new sessions end after ${timeout} s in an idle transaction.`}`,
      ...(superusers === 0
        ? []
        : [
            `${superusers} of the sessions belong to ${instance.user}, a superuser. It gets no timeout, since that would reach operators too: give the application its own role.`,
          ]),
      ...(left > 0 ? [`${left} stuck sessions remain, which must not be ended automatically.`] : []),
    ],
    undo: `${roles.length === 0 ? '' : 'The timeout is reset. '}Ended sessions and their uncommitted changes cannot be restored.`,
    expected: expectTimeout(
      instance,
      measured,
      ended,
      roles.length === 0 ? null : { name: 'idle_in_transaction_session_timeout', roles, seconds: timeout },
    ),
  };
}

/**
 * The superuser of the image counts as an application's role if the session came over the network and has written nothing.
 * Ending it needs approval all the same.
 */
export function mayBeEnded(
  { privileged, advisory, application, role, client, wrote }: Session,
  { user }: Pick<Instance, 'user'>,
): boolean {
  const isApplication = role === user && client !== '' && !wrote;
  return (!privileged || isApplication) && !advisory && !isTool(application);
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
