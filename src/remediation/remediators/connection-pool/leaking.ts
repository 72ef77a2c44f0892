import type { Instance } from '../../../host/instance.ts';
import type { Finding, Plan, ReadonlyHost, Refusal, Step } from '../../contract.ts';
import { refusal } from '../../instances/refusal.ts';
import { type Diagnosis, holdersOf, manyStuck } from './diagnose.ts';
import { nameOf } from './evidence.ts';
import { type Measured, ordinarySlots, type Session, spared } from './measured.ts';
import type { PoolSettings } from './settings.ts';
import { ownTimeouts } from './timeouts.ts';
import type { PoolDetails, PoolExpected } from './types.ts';

/** As `session.end-idle` and `session.terminate` leave them alone. */
const tools = /pg_dump|pg_restore|pg_basebackup|pg_receivewal|flyway|liquibase|alembic|migrat/i;

/**
 * A timeout for the roles that leave transactions open, and the end of those that are stuck already: a timeout that is
 * set later does not reach them (PGOPS §2.5). The roles first, so that clients that come back have it.
 */
export async function planLeak(
  finding: Finding<PoolDetails>,
  instance: Instance,
  measured: Measured,
  diagnosis: Diagnosis & { readonly kind: 'leak' },
  settings: PoolSettings,
  host: ReadonlyHost,
): Promise<Plan<PoolExpected> | Refusal> {
  const { name, container, volumeKey } = instance;
  const ended = diagnosis.stuck.filter(mayBeEnded);
  const left = diagnosis.stuck.length - ended.length;
  if (ended.length === 0 || ended.length > settings.maxEnded || left >= manyStuck)
    return refusal(
      `${left} of the ${diagnosis.stuck.length} sessions that are stuck in transactions may not be ended by a program (superusers, replication, holders of advisory locks, dumps and migrations), and a plan ends at most ${settings.maxEnded}.`,
      `Restart the application that holds them: ${diagnosis.holders.slice(0, 3).map(nameOf).join('; ')}. It forgets to end its transactions when something fails.`,
    );
  const roles = [...new Set(ended.map(({ role }) => role))].sort();
  const timeout = settings.idleInTransactionTimeoutSeconds;
  const own = await ownTimeouts(instance, host);
  if (own === undefined) return refusal(`${name} does not say which timeouts its roles have.`, 'Detect again.');
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
      why: `For this role alone: others, such as migrations, may rightly think for longer. Sessions that begin from now on have it.`,
      expects: [{ check: 'container', ref: container.id, running: true, startedAt: container.state.startedAt }],
    })),
    ...end(
      'session.end-idle',
      name,
      unattended,
      timeout,
      'What the timeout would have ended long ago; nothing was written.',
    ),
    ...end(
      'session.terminate',
      name,
      approved,
      settings.stuckSeconds,
      `They have done nothing for less than the timeout, or have written: approval stands in for the time. ${wrote} have written, and that is rolled back.`,
    ),
  ];
  return {
    type: 'plan',
    remediator: finding.remediator,
    finding,
    target: { instance: name, container: container.id, volumes: [volumeKey] },
    summary: `Let ${roles.join(', ')} leave no transaction open for more than ${timeout} s on ${name}, and end the ${ended.length} that are stuck.`,
    steps,
    cleanup: [],
    leftovers: [],
    risk: wrote > 0 ? 'data' : 'safe',
    downtime: { seconds: 0, why: 'The server goes on; only sessions that do nothing end.' },
    unpredictable: [
      `The application that forgets its transactions is not mended: ${diagnosis.holders.slice(0, 3).map(nameOf).join('; ')}. Sessions that it leaves open from now on end after ${timeout} s.`,
      ...(left > 0 ? [`${left} stuck sessions are left: a program may not end them.`] : []),
    ],
    undo: 'The timeout is taken away again. Sessions that were ended do not come back, nor what they had not committed.',
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
