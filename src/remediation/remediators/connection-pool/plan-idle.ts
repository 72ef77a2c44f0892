import type { Instance } from '../../../host/instance.ts';
import type { Finding, Plan, ReadonlyHost, Refusal, Step } from '../../contract.ts';
import { planOn, refusal } from '../../shared/for-each-instance.ts';
import { smallerPools } from './client-pools.ts';
import { nameOf } from './describe.ts';
import { type Diagnosis, holdersOf } from './diagnose.ts';
import { expectTimeout, isTool, ownTimeouts, timeoutSteps } from './plan-leak.ts';
import { ceilingOf, planRaise, wantedConnections } from './plan-max-connections.ts';
import { planPooler } from './plan-pooler.ts';
import {
  lastSample,
  type Observation,
  type PoolDetails,
  type PoolExpected,
  type PoolSettings,
  type Session,
} from './types.ts';

type Unused = Diagnosis & { readonly kind: 'idle-leak' | 'oversized-pools' };

/**
 * Sessions that nothing uses: a timeout for their roles, else more slots if the memory allows them, else a pooler. What
 * helps most, smaller pools, is up to the clients, so each plan and each refusal names where they are set.
 */
export async function planUnused(
  finding: Finding<PoolDetails>,
  instance: Instance,
  measured: Observation,
  { unused }: Unused,
  settings: PoolSettings,
  host: ReadonlyHost,
): Promise<Plan<PoolExpected> | Refusal> {
  const ending = sessionsToEnd(measured, unused, settings);
  if (!('reason' in ending)) return planTimeout(finding, instance, measured, ending, settings, host);
  const demand = lastSample(measured).sessions.length;
  const found = await ceilingOf(instance, measured.cpus, host);
  const wanted = wantedConnections(demand, measured.limits.reserved, found.ceiling.connections);
  const isRoom = wanted !== undefined && wanted > measured.limits.maxConnections;
  const raise = isRoom ? await planRaise(finding, instance, measured, wanted, found, host) : undefined;
  if (raise?.type === 'plan') return raise;
  if (settings.poolerImage !== undefined)
    return planPooler(finding, instance, measured, { demand, why: '' }, settings, host);
  return refusal(
    `${unused.length} sessions of ${instance.name} are idle. ${ending.reason} ${raise?.reason ?? `Its memory allows at most ${found.ceiling.connections} connections.`}`,
    `${smallerPools(unused, measured.places)} Or put a pooler in front: set remediation.settings['connection-pool'].poolerImage.`,
  );
}

/**
 * The sessions that a timeout would have ended, or why none of them may be. See docs/engineering/settings.md#timeouts:
 * behind a pooler the timeout stays off. A role that listens, or holds an advisory lock while idle, needs its session.
 */
export function sessionsToEnd(
  { limits, samples, places }: Pick<Observation, 'limits' | 'samples' | 'places'>,
  unused: readonly Session[],
  { maxEnded }: Pick<PoolSettings, 'maxEnded'>,
): readonly Session[] | { readonly reason: string } {
  if (limits.major < 14) return { reason: `PostgreSQL ${limits.major} has no timeout for idle sessions.` };
  const all = samples.at(-1)?.sessions ?? [];
  const needed = new Set(all.filter(({ listens, advisory }) => listens || advisory).map(({ role }) => role));
  const chosen = unused.filter(
    ({ privileged, role, client, application }) =>
      !privileged && !needed.has(role) && places.get(client)?.isPooler !== true && !isTool(application),
  );
  if (chosen.length >= Math.max(3, unused.length / 2)) return chosen.slice(0, maxEnded);
  const superusers = unused.filter(({ privileged }) => privileged).length;
  if (superusers * 2 > unused.length)
    return {
      reason: `${superusers} of them belong to superusers, and a timeout for these would reach operators too: give each application its own role.`,
    };
  return {
    reason:
      'Most of them come from a pooler or a tool, or their role listens or holds advisory locks, so a timeout would break them.',
  };
}

async function planTimeout(
  finding: Finding<PoolDetails>,
  instance: Instance,
  measured: Observation,
  ending: readonly Session[],
  settings: PoolSettings,
  host: ReadonlyHost,
): Promise<Plan<PoolExpected> | Refusal> {
  const { name } = instance;
  const seconds = settings.idleSessionTimeoutSeconds;
  const roles = [...new Set(ending.map(({ role }) => role))].sort();
  const own = await ownTimeouts(instance, 'idle_session_timeout', host);
  if (own === undefined)
    return refusal(`The timeouts of the roles of ${name} could not be read.`, 'Run `problems detect` again.');
  const holders = holdersOf(ending);
  const steps: readonly Step[] = [
    ...timeoutSteps(instance, 'idle_session_timeout', roles, seconds, own),
    {
      action: 'session.terminate',
      params: {
        instance: name,
        sessions: ending.map(({ pid, backendStart, role }) => ({ pid, backendStart, role })),
        minimumSeconds: settings.idleSeconds,
        idle: true,
      },
      why: 'The timeout applies to new sessions only. These are outside a transaction, so nothing is rolled back.',
    },
  ];
  return {
    ...planOn(finding, instance),
    summary: `Set idle_session_timeout to ${seconds} s for ${roles.join(', ')} on ${name}, and end the ${ending.length} sessions that nothing uses.`,
    done: `idle_session_timeout set to ${seconds} s for ${roles.join(', ')} on ${name}, and ${ending.length} unused sessions ended`,
    steps,
    risk: 'safe',
    downtime: { seconds: 0, why: 'The server keeps running; only idle sessions end.' },
    unpredictable: [
      `A pool that does not expect the server to close a connection reports an error once for each: ${holders.slice(0, 3).map(nameOf).join('; ')}.`,
      `A pool of fixed size opens its sessions again at once; then the run is rolled back. ${smallerPools(ending, measured.places)}`,
    ],
    undo: 'The timeout is reset. Ended sessions are not restored: their clients open new ones.',
    expected: expectTimeout(instance, measured, ending, { name: 'idle_session_timeout', roles, seconds }),
  };
}
