import type { Container, Network } from '../../../host/docker/types.ts';
import { splitAuthority } from '../../../postgres/connection-string.ts';
import {
  asideName,
  type Precondition,
  type Finding,
  type Plan,
  type ReadonlyHost,
  type Refusal,
  type Step,
} from '../../contract.ts';
import { planOn, refusal } from '../../shared/for-each-instance.ts';
import { keptContainer, lostOnRecreate, refusalForOwner, restartPolicyOf } from '../../shared/recreate.ts';
import { type Address, addressesOf, answering, type Client, clientsOf, commonNetworks, type World } from './clients.ts';
import { pooledClientsOf } from './pooled-clients.ts';
import type { NetworkExpected, NetworkSettings } from './types.ts';

/**
 * Why a client must not be connected to a network automatically, one sentence; undefined if it may.
 * See docs/engineering/networks.md#connecting-a-client and docs/engineering/safety.md#when-to-escalate.
 */
export function networkPolicy(
  network: string,
  { container, instance, address }: Client,
  world: World & { readonly networks: readonly Network[] },
  { sharedNetworks }: Pick<NetworkSettings, 'sharedNetworks'>,
): string | undefined {
  const [found, ...others] = world.networks.filter(({ name }) => name === network);
  if (found === undefined) return `Network ${network} no longer exists.`;
  if (others.length > 0) return `There are ${others.length + 1} networks named ${network}.`;
  if (found.driver !== 'bridge') return `${network} uses the driver ${found.driver}, which may span machines.`;
  if (found.internal) return `${network} is an internal network, isolated on purpose.`;
  const rival = answering(address.host, network, world.containers).find(({ id }) => id !== instance.container.id);
  if (rival !== undefined) return `${rival.name} also has the name ${address.host} on ${network}.`;
  if (sharedNetworks.includes(network) || declaredNetworks(instance.declared).includes(network)) return undefined;
  const tenants = tenantsOf(network, [container.id, instance.container.id], world);
  const shown = tenants.slice(0, 3).map(({ name }) => name);
  return tenants.length === 0
    ? undefined
    : `${network} has other containers (${shown.join(', ')}${tenants.length > 3 ? ' and more' : ''}), which could then connect to ${container.name} and vice versa.`;
}

/** Containers on a network that are neither instances nor their clients. */
function tenantsOf(network: string, except: readonly string[], world: World): readonly Container[] {
  const family = new Set([
    ...except,
    ...world.instances.map(({ container }) => container.id),
    ...[...clientsOf(world), ...pooledClientsOf(world)].map(({ container }) => container.id),
  ]);
  return world.containers.filter(
    ({ id, name, state, endpoints }) =>
      state.running &&
      !family.has(id) &&
      !/vrooli-(?:postgres|pgweb)-/.test(name) &&
      endpoints.some((endpoint) => endpoint.network === network),
  );
}

/** `networks` of `instance.conf`: the networks for the instance and its GUI. */
function declaredNetworks({ networks = '' }: Readonly<Record<string, string>>): readonly string[] {
  return networks.split(/[\s,]+/).filter((network) => network !== '');
}

/** The changed characters of one variable; only these, so that a plan contains no password. */
export interface VariableEdit {
  readonly at: number;
  readonly before: string;
  readonly after: string;
}

export type VariableEdits = Readonly<Record<string, readonly VariableEdit[]>>;

export interface Place {
  readonly host: string;
  readonly port: number;
}

/**
 * Edits of a container's variables that change the host and port, and nothing else. Undefined if the address cannot be
 * changed safely: on the command line, or in a form with two hosts.
 */
export function envEdits(
  container: Pick<Container, 'env' | 'command' | 'entrypoint'>,
  address: Address,
  place: Place,
): VariableEdits | undefined {
  const value = container.env[address.source];
  if (value === undefined) return undefined;
  const edits = inUrl(value, address, place) ?? inVariables(container.env, value, address, place);
  if (edits === undefined) return undefined;
  const told = addressesOf({ ...container, env: withEdits(container.env, edits) });
  const same = told.find(({ source }) => source === address.source);
  const { host, port, ...rest } = { ...address, ...place, host: place.host.toLowerCase() };
  return same !== undefined && isDeepEqual(same, { host, port, ...rest }) ? edits : undefined;
}

/** `…://user:password@localhost:5437/database`: the part between the last `@` and what follows the port. */
function inUrl(value: string, { source }: Address, { host, port }: Place): VariableEdits | undefined {
  const match = /^(\s*(?:jdbc:)?postgres(?:ql)?(?:\+\w{1,20})?:\/\/(?:[^/?#]*@)?)([^/?#@\s]+)/is.exec(value);
  if (match === null) return undefined;
  return { [source]: [{ at: match[1]?.length ?? 0, before: match[2] ?? '', after: `${host}:${port}` }] };
}

/** `PGHOST` and `PGPORT`, or both in one variable. The default port is PostgreSQL's. */
function inVariables(
  env: Container['env'],
  value: string,
  { source }: Address,
  { host, port }: Place,
): VariableEdits | undefined {
  if (value.includes('=') || value.includes('/')) return undefined;
  const [, ownPort] = splitAuthority(value);
  if (ownPort !== undefined) return { [source]: [{ at: 0, before: value, after: `${host}:${port}` }] };
  const portName = source.replace(/(?:HOST|HOSTNAME|HOSTADDR|SERVER|ADDR)$/, 'PORT');
  const portValue = env[portName];
  if (portValue === undefined && port !== 5432) return undefined;
  return {
    [source]: [{ at: 0, before: value, after: host }],
    ...(portValue === undefined ? {} : { [portName]: [{ at: 0, before: portValue, after: String(port) }] }),
  };
}

function withEdits(env: Container['env'], edits: VariableEdits): Container['env'] {
  const changed: Record<string, string> = { ...env };
  for (const [name, list] of Object.entries(edits))
    for (const { at, before, after } of list) {
      const value = changed[name] ?? '';
      changed[name] = value.slice(0, at) + after + value.slice(at + before.length);
    }
  return changed;
}

function isDeepEqual(a: Address, b: Address): boolean {
  const keys = ['source', 'host', 'port', 'user', 'password', 'database', 'sslMode'] as const;
  return keys.every((key) => a[key] === b[key]);
}

/**
 * Recreates a client that has a wrong address, with the name and port of the server, which survive restarts. The
 * environment of a container cannot be changed otherwise
 * (docs/engineering/recreating.md#dependants).
 * @param network A network of the server that the client is on, or may join.
 */
export async function planNewClient(
  finding: Finding,
  client: Client,
  network: string,
  systemIdentifier: string | null,
  host: ReadonlyHost,
): Promise<Plan<NetworkExpected> | Refusal> {
  const { container, instance, address } = client;
  const server = instance.container;
  const place = { host: server.name.toLowerCase(), port: instance.port };
  const edits = envEdits(container, address, place);
  if (edits === undefined) {
    return refusal(
      `${container.name} has ${address.host}:${address.port} in ${address.source}, in a form that cannot be changed safely.`,
      `Recreate it with ${server.name}:${instance.port} in ${address.source}, on the network ${network}.`,
    );
  }
  const refused = refusalForOwner(container) ?? (await refusalForChanges(client, host));
  if (refused !== undefined) return refused;
  const joins = commonNetworks(container, server).length === 0;
  return {
    ...planOn(finding, instance),
    summary: `Recreate ${container.name} with ${place.host}:${place.port} in ${address.source}, so that it reaches ${instance.name}.`,
    done: `${container.name} recreated, and reaches ${instance.name} at ${place.host}:${place.port}`,
    steps: stepsFor(client, edits, joins ? network : undefined),
    leftovers: [keptContainer(container)],
    risk: 'restart',
    downtime: {
      seconds: 0,
      why: `Only ${container.name} is down while it is replaced; ${instance.name} is not touched.`,
    },
    unpredictable: [
      `Change ${address.host}:${address.port} to ${place.host}:${place.port} in whatever creates ${container.name} too, or its next container has the old address again.`,
      `${container.name} loses what it has in memory, as with a restart.`,
    ],
    undo: `The new container is removed, and the old one gets back its name and restart policy and is started, with ${address.host}:${address.port} as before.`,
    expected: {
      client: container.name,
      source: address.source,
      host: place.host,
      port: place.port,
      network,
      server: server.id,
      systemIdentifier,
    },
  };
}

function stepsFor({ container, instance }: Client, edits: VariableEdits, network: string | undefined): readonly Step[] {
  const { id, name, image, state } = container;
  const aside = asideName(container);
  const old: Precondition = { check: 'container', ref: id, running: true, name: aside, image };
  return [
    {
      action: 'container.update-restart-policy',
      params: { container: id, policy: { name: 'no', maximumRetryCount: 0 } },
      why: 'The old container must not start again next to the new one when the engine restarts.',
      expects: [
        { check: 'container', ref: id, running: true, name, image, startedAt: state.startedAt },
        { check: 'container', ref: instance.container.id, running: true },
      ],
    },
    {
      action: 'container.rename',
      params: { container: id, name: aside },
      why: 'The old container is kept; the new one takes its name.',
    },
    {
      action: 'container.recreate',
      params: {
        from: id,
        name,
        edits: {
          env: Object.fromEntries(
            Object.entries(edits).map(([variable, list]) => [variable, list.map((one) => ({ ...one }))]),
          ),
        },
      },
      why: 'The environment of an existing container cannot be changed.',
      expects: [old],
    },
    { action: 'container.stop', params: { container: id, timeoutSeconds: 30, clean: false }, expects: [old] },
    ...(network === undefined
      ? []
      : [
          {
            action: 'network.connect',
            params: { network, container: name, aliases: [] },
            why: `${instance.container.name} has a name there.`,
          } satisfies Step,
        ]),
    {
      action: 'container.start',
      params: { container: name },
      expects: [{ check: 'container', ref: id, running: false, name: aside }],
    },
    {
      action: 'container.update-restart-policy',
      params: { container: name, policy: restartPolicyOf(container) },
      why: 'Restore the restart policy.',
    },
  ];
}

/** Refuses a client that has written outside its volumes. */
export async function refusalForChanges({ container }: Client, host: ReadonlyHost): Promise<Refusal | undefined> {
  const lost = lostOnRecreate(await host.docker.changes(container.id), container.mounts);
  if (lost.length === 0) return undefined;
  return refusal(
    `${container.name} has changes outside its volumes, which would be lost in a new container: ${lost.slice(0, 5).join(', ')}${lost.length > 5 ? ' and more' : ''}.`,
    'Move them into the image or a volume, or revert them.',
  );
}
