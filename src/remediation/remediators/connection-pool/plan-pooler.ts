import type { Instance } from '../../../host/instance.ts';
import type { Finding, Plan, ReadonlyHost, Refusal } from '../../contract.ts';
import { poolerName, poolerPort } from '../../shared/availability.ts';
import { planOn, refusal } from '../../shared/for-each-instance.ts';
import { smallerPools } from './client-pools.ts';
import { nameOf } from './describe.ts';
import { holdersOf } from './diagnose.ts';
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
  /** In total for each database. */
  readonly perDatabase: number;
  readonly maxClients: number;
}

/**
 * Twice the CPUs plus one, between 5 and 25, for each pair of role and database; in total never more than the ordinary
 * slots minus five for operators. In session mode a client keeps its connection, so the pairs share all slots. See
 * docs/engineering/pgbouncer.md#pool-sizes. Undefined if there is not one connection for each pair.
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

export interface PoolerNeed {
  /** Sessions that clients need. */
  readonly demand: number;
  /** Why only a pooler helps, as a sentence. */
  readonly why: string;
}

/**
 * Adds a PgBouncer in its own container on the instance's networks.
 * See docs/engineering/pgbouncer.md#pool-mode.
 */
export async function planPooler(
  finding: Finding<PoolDetails>,
  instance: Instance,
  measured: Observation,
  { demand, why }: PoolerNeed,
  settings: PoolSettings,
  host: ReadonlyHost,
): Promise<Plan<PoolExpected> | Refusal> {
  const { name, container, database } = instance;
  const { sessions } = lastSample(measured);
  const clients = sessions.filter(({ privileged }) => !privileged);
  const superusers = sessions.length - clients.length;
  if (superusers > clients.length)
    return refusal(
      `${superusers} of ${sessions.length} sessions of ${name} belong to superusers, which a pooler must not accept.`,
      'Give each application its own role, then run `problems detect` again.',
    );
  const networks = container.endpoints.map(({ network }) => network).filter((network) => network !== 'bridge');
  if (networks.length === 0)
    return refusal(
      `${container.name} is on no user-defined network, so clients could not reach a pooler by name.`,
      `Run: docker network connect <network of its clients> ${container.name}`,
    );
  const image = await imageOf(
    settings,
    `${why} The config names no PgBouncer image.`,
    smallerPools(clients, measured.places),
    host,
  );
  if (typeof image !== 'string') return image;
  const found = [
    ...new Set([...clients.map((session) => session.database), ...(clients.length === 0 ? [database] : [])]),
  ].sort();
  const odd = found.find((one) => !/^[A-Za-z0-9_.-]{1,63}$/.test(one));
  if (odd !== undefined)
    return refusal(
      `The database ${JSON.stringify(odd)} has a name that PgBouncer's configuration does not allow.`,
      `Rename the database (ALTER DATABASE … RENAME TO …), or set up a PgBouncer yourself and name it in its [databases].`,
    );
  const state = await sessionStateOf(instance, found, measured, host);
  if (settings.poolMode === 'transaction' && state.length > 0)
    return refusal(
      `The config sets transaction mode, but clients of ${name} use session state: ${state.join('; ')}. In transaction mode it would leak to other clients.`,
      'Remove poolMode from the config, or change the clients not to use session state.',
    );
  const mode = settings.poolMode ?? 'session';
  const pairs = new Set(clients.map((session) => `${session.role}\0${session.database}`)).size || 1;
  const sizes = poolSizes(measured.limits, measured.cpus, { pairs, databases: found.length, demand, mode });
  const free = ordinarySlots(measured.limits) - sessions.length;
  if (sizes === undefined || free < 2)
    return refusal(
      `${name} has ${ordinarySlots(measured.limits)} ordinary slots, ${Math.max(0, free)} of them free, for ${pairs} pairs of role and database: too few for a pooler.`,
      `Stop one of the clients first (${holdersOf(clients).slice(0, 3).map(nameOf).join('; ')}), then run \`problems detect\` again.`,
    );
  const pooler = poolerName(instance);
  const promised = Math.min(200, Math.max(demand, ordinarySlots(measured.limits) + 10));
  return {
    ...planOn(finding, instance),
    summary: `Add a PgBouncer for ${name} (${mode} mode, ${sizes.poolSize} connections for each role and database, ${sizes.maxClients} clients).`,
    done: `${name} has a PgBouncer (${mode} mode, ${sizes.maxClients} clients)`,
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
          // In addition to the clients that are still connected directly.
          ownConnections: Math.min(5, free - 1),
        },
        why: whyMode(settings, state),
        // The action itself checks that no pooler exists yet: it must accept one that its own killed run has half made.
        expects: [{ check: 'container', ref: container.id, running: true, name: container.name }],
      },
    ],
    risk: 'safe',
    downtime: { seconds: 0, why: 'The server is not interrupted.' },
    unpredictable: [
      ...clientsToChange(measured, pooler, `${container.name}:${instance.port}`),
      ...(mode === 'session'
        ? [
            'In session mode a connected client keeps its server connection, so this helps mostly clients that connect for each request.',
          ]
        : []),
      ...(superusers > 0 ? [`${superusers} sessions of superusers cannot use the pooler.`] : []),
    ],
    undo: 'The pooler, its role and its function are removed. Switch its clients back to the server first.',
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

/** Id of the image that the config names. Never pulls an image. */
async function imageOf(
  { poolerImage }: PoolSettings,
  why: string,
  instead: string,
  host: ReadonlyHost,
): Promise<string | Refusal> {
  if (poolerImage === undefined)
    return refusal(
      why,
      `${instead} Or put one in front: set remediation.settings['connection-pool'].poolerImage, best to 1.25.2 or later.`,
    );
  const image = await host.docker.image(poolerImage);
  return (
    image?.id ??
    refusal(`The image ${poolerImage} does not exist on this engine.`, `Pull it with: docker pull ${poolerImage}`)
  );
}

/** PgBouncer refuses to run as root. */
async function userOf(image: string, host: ReadonlyHost): Promise<string> {
  for (const user of ['pgbouncer', 'postgres']) {
    const ids = await host.probes.imageUser(image, user).catch(() => undefined);
    if (ids !== undefined) return `${ids.uid}:${ids.gid}`;
  }
  return '65534:65534';
}

function whyMode({ poolMode }: PoolSettings, state: readonly string[]): string {
  if (poolMode === 'transaction') return 'Transaction mode, as the config says; no session state of clients was found.';
  if (poolMode === 'session') return 'Session mode, as the config says.';
  return state.length > 0
    ? `Session mode: ${state.join('; ')}.`
    : 'Session mode: whether clients use session state cannot be determined for certain. The config may set transaction mode.';
}

/** Clients that hold sessions now, by container name if they are containers. They are not changed. */
function clientsToChange(measured: Observation, pooler: string, server: string): readonly string[] {
  const lines = holdersOf(lastSample(measured).sessions).map((holder) => {
    const from = holder.place === '' ? ` from ${holder.client || 'the socket'}` : '';
    return `${nameOf(holder)}${from} connects to ${server} until you switch it to ${pooler}:${poolerPort}.`;
  });
  return [...new Set(lines)].slice(0, 20);
}
