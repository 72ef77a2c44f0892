import type { Container } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import type { Finding, Plan, ReadonlyHost, Refusal } from '../../contract.ts';
import { poolerName, poolerPort } from '../../shared/availability.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { holdersOf, nameOf } from './diagnose.ts';
import { sessionStateOf } from './observe.ts';
import {
  lastSample,
  type Limits,
  type Observation,
  ordinarySlots,
  type PoolDetails,
  type PoolExpected,
  type PoolSettings,
  spared,
} from './types.ts';

export interface PoolSizes {
  /** Server connections for each role in each database. */
  readonly poolSize: number;
  /** For each database together. */
  readonly perDatabase: number;
  readonly maxClients: number;
}

/**
 * Twice the processors and one, between 5 and 25, for each pair of role and database; never more in all than the
 * ordinary slots without five for people. In session mode a client keeps its connection, so the pairs share what there
 * is. See docs/engineering/pgbouncer.md#pool-sizes. Undefined where not one connection is left for each pair.
 */
export function poolSizes(
  limits: Limits,
  cpus: number,
  {
    pairs,
    databases,
    demand,
    mode,
  }: {
    readonly pairs: number;
    readonly databases: number;
    readonly demand: number;
    readonly mode: 'session' | 'transaction';
  },
): PoolSizes | undefined {
  const slots = ordinarySlots(limits) - spared;
  const each = Math.floor(slots / Math.max(1, pairs));
  const perDatabase = Math.floor(slots / Math.max(1, databases));
  if (each < 1 || perDatabase < 1) return undefined;
  const usual = Math.min(25, Math.max(5, Math.floor(cpus * 2 + 1)));
  return {
    poolSize: mode === 'session' ? each : Math.min(each, usual),
    perDatabase,
    maxClients: Math.max(1_000, Math.ceil((demand * 3) / 100) * 100),
  };
}

/**
 * A PgBouncer in front, in a container of its own on the instance's networks.
 * See docs/engineering/pgbouncer.md#pool-mode.
 */
export async function planPooler(
  finding: Finding<PoolDetails>,
  instance: Instance,
  measured: Observation,
  demand: number,
  settings: PoolSettings,
  host: ReadonlyHost,
): Promise<Plan<PoolExpected> | Refusal> {
  const { name, container, volumeKey, database } = instance;
  const { sessions } = lastSample(measured);
  const clients = sessions.filter(({ privileged }) => !privileged);
  const superusers = sessions.length - clients.length;
  if (superusers > clients.length)
    return refusal(
      `${superusers} of ${sessions.length} sessions of ${name} are of superusers, whom a pooler must not let in.`,
      'Give each application a role of its own, then detect again.',
    );
  const networks = container.endpoints.map(({ network }) => network).filter((network) => network !== 'bridge');
  if (networks.length === 0)
    return refusal(
      `${container.name} is in no network of its own, so a pooler could not be called by a name.`,
      'Connect it to a network that its clients are in.',
    );
  const image = await imageOf(settings, host);
  if (typeof image !== 'string') return image;
  const found = [
    ...new Set([...clients.map((session) => session.database), ...(clients.length === 0 ? [database] : [])]),
  ].sort();
  const odd = found.find((one) => !/^[A-Za-z0-9_.-]{1,63}$/.test(one));
  if (odd !== undefined)
    return refusal(
      `The database ${JSON.stringify(odd)} has a name that a pooler's configuration cannot hold.`,
      'Put a pooler in front by hand.',
    );
  const state = await sessionStateOf(instance, found, measured, host);
  if (settings.poolMode === 'transaction' && state.length > 0)
    return refusal(
      `The config says transaction mode, and clients of ${name} keep something in their sessions: ${state.join('; ')}. It would be left behind on a connection that the next client gets.`,
      'Take poolMode out of the config, or that use of sessions out of the clients.',
    );
  const mode = settings.poolMode ?? 'session';
  const pairs = new Set(clients.map((session) => `${session.role}\0${session.database}`)).size || 1;
  const sizes = poolSizes(measured.limits, measured.cpus, { pairs, databases: found.length, demand, mode });
  const free = ordinarySlots(measured.limits) - sessions.length;
  if (sizes === undefined || free < 2)
    return refusal(
      `${name} has ${ordinarySlots(measured.limits)} ordinary slots, ${Math.max(0, free)} of them free, for ${pairs} pairs of role and database: a pooler would get no connection of its own.`,
      `Stop one of the clients first (${holdersOf(clients).slice(0, 3).map(nameOf).join('; ')}), then detect again.`,
    );
  const pooler = poolerName(instance);
  const promised = Math.min(200, Math.max(demand, ordinarySlots(measured.limits) + 10));
  return {
    type: 'plan',
    remediator: finding.remediator,
    finding,
    target: { instance: name, container: container.id, volumes: [volumeKey] },
    summary: `Put a PgBouncer (${mode} mode, ${sizes.poolSize} connections for each role and database) in front of ${name}, for ${sizes.maxClients} clients.`,
    steps: [
      {
        action: 'pooler.create',
        params: {
          instance: name,
          name: pooler,
          image,
          user: await userOf(image, host),
          networks,
          server: { host: container.name, port: instance.port },
          databases: found,
          mode,
          ...sizes,
          // Beside the clients that are still on the server itself.
          ownConnections: Math.min(5, free - 1),
        },
        why: whyMode(settings, state),
        // That there is no pooler yet is asked by the action before it begins: one that a killed run has half made is its own.
        expects: [{ check: 'container', ref: container.id, running: true, name: container.name }],
      },
    ],
    cleanup: [],
    leftovers: [],
    risk: 'safe',
    downtime: { seconds: 0, why: 'The server goes on as it is.' },
    unpredictable: [
      ...(await clientsToChange(measured, pooler, `${container.name}:${instance.port}`, host)),
      ...(mode === 'session'
        ? [
            'In session mode a client that stays connected keeps its connection: clients that open one for each request gain most.',
          ]
        : []),
      ...(superusers > 0 ? [`${superusers} sessions of superusers cannot come through the pooler.`] : []),
    ],
    undo: 'The pooler, its role and its function are taken away. Clients that were told to use it must be told back first.',
    expected: {
      name: container.name,
      promised,
      clients: 0,
      role: '',
      database: found[0] ?? database,
      timeout: null,
      maxConnections: null,
      systemIdentifier: null,
      pooler: { container: pooler, port: poolerPort },
    },
  };
}

/** By id, of the image that the config names: none is fetched. */
async function imageOf({ poolerImage }: PoolSettings, host: ReadonlyHost): Promise<string | Refusal> {
  if (poolerImage === undefined)
    return refusal(
      'More clients want sessions than the memory of the server allows, and the config names no image of PgBouncer.',
      "Put one in front: set remediation.settings['connection-pool'].poolerImage, best to 1.25.2 or later.",
    );
  const image = await host.docker.image(poolerImage);
  return image?.id ?? refusal(`The image ${poolerImage} is not on this engine.`, `docker pull ${poolerImage}`);
}

/** PgBouncer refuses to be root. */
async function userOf(image: string, host: ReadonlyHost): Promise<string> {
  for (const user of ['pgbouncer', 'postgres']) {
    const ids = await host.probes.imageUser(image, user).catch(() => undefined);
    if (ids !== undefined) return `${ids.uid}:${ids.gid}`;
  }
  return '65534:65534';
}

function whyMode({ poolMode }: PoolSettings, state: readonly string[]): string {
  if (poolMode === 'transaction')
    return 'Transaction mode, as the config says, and nothing was seen that clients keep in their sessions.';
  if (poolMode === 'session') return 'Session mode, as the config says.';
  return state.length > 0
    ? `Session mode: ${state.join('; ')}.`
    : 'Session mode: what clients keep in their sessions cannot be seen for certain. The config may say transaction.';
}

/** Whoever holds sessions now, by the container's name where it is one. Nothing of theirs is changed. */
async function clientsToChange(
  measured: Observation,
  pooler: string,
  server: string,
  host: ReadonlyHost,
): Promise<readonly string[]> {
  const containers = await host.docker.containers();
  const lines = holdersOf(lastSample(measured).sessions).map((holder) => {
    const at = containerAt(holder.client, containers);
    return `${at ?? (holder.client || 'a client on the socket')} (${nameOf(holder)}) goes on to ${server} until it is told to go to ${pooler}:${poolerPort}.`;
  });
  return [...new Set(lines)].slice(0, 20);
}

function containerAt(address: string, containers: readonly Container[]): string | undefined {
  if (address === '') return undefined;
  return containers.find(({ endpoints }) => endpoints.some(({ ipv4, ipv6 }) => ipv4 === address || ipv6 === address))
    ?.name;
}
