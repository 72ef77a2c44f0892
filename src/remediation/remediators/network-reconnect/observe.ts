import { setTimeout as sleep } from 'node:timers/promises';
import type { Instance } from '../../../host/instance.ts';
import type { HttpAnswer, ReachRequest, ReachResult } from '../../../host/probes/types.ts';
import type { ReadonlyHost } from '../../contract.ts';
import { diagnose, type Situation } from './diagnose.ts';
import {
  allNames,
  answering,
  borrowsNetwork,
  type Client,
  clientErrorOf,
  commonNetworks,
  holderOf,
  isAddress,
  isLoopback,
  namesOn,
  networksOf,
  ownAddresses,
  type World,
} from './clients.ts';
import { networkSettings } from './types.ts';

/** Present instances and containers: all of them, since a client may use any. */
export async function worldOf(host: ReadonlyHost): Promise<World> {
  const [instances, containers] = await Promise.all([host.instances({ all: true }), host.docker.containers()]);
  return { instances, containers };
}

/** Facts about a server, read once for all its clients. */
export interface ServerFacts {
  readonly systemIdentifier: string | undefined;
  readonly listen: string | undefined;
}

const factsQuery = `SELECT (SELECT system_identifier::text FROM pg_catalog.pg_control_system()) AS system_identifier,
  (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'listen_addresses') AS listen,
  (SELECT source FROM pg_catalog.pg_settings WHERE name = 'listen_addresses') AS source`;

export async function factsOf(instance: Instance, host: ReadonlyHost): Promise<ServerFacts> {
  const answer = instance.container.state.status === 'running' ? await host.sql.query(instance, factsQuery) : undefined;
  if (answer?.ok !== true) return { systemIdentifier: undefined, listen: undefined };
  const { system_identifier: systemIdentifier, listen, source } = answer.rows[0] ?? {};
  // During the first initialization a server listens only on its socket, set on the command line.
  const initialises = listen === '' && source === 'command line';
  return { systemIdentifier: systemIdentifier ?? undefined, listen: initialises ? undefined : (listen ?? undefined) };
}

/** The connection of one client to its instance: from the engine's data, and from probes in the client's network. */
export async function observe(
  client: Client,
  world: World,
  facts: ServerFacts,
  host: ReadonlyHost,
): Promise<Situation> {
  const situation = { ...situationOf(client), ...facts };
  const reach = await fromInside(client, world, host);
  if (reach === undefined) return situation;
  const seen = {
    ...situation,
    reach,
    others: othersAmong(reach, client, world),
    ...((await lacksRole(client, reach, host)) ? { roleMissing: true } : {}),
  };
  const works = reach.sql.ok && diagnose(seen) === undefined;
  return works && (await staysSilent(client, host)) ? { ...seen, page: 'silent' } : seen;
}

const roleQuery = 'SELECT rolcanlogin FROM pg_catalog.pg_roles WHERE rolname = $1';

/** To a client, PostgreSQL says the same about a wrong password and about a role that does not exist. */
async function lacksRole({ instance, address }: Client, { sql }: ReachResult, host: ReadonlyHost): Promise<boolean> {
  if (sql.ok || clientErrorOf(sql.message) !== 'password-refused') return false;
  const answer = await host.sql.query(instance, roleQuery, { values: [address.user ?? instance.user] });
  return answer.ok && answer.rows[0]?.['rolcanlogin'] !== 't';
}

/** How long after its start a GUI may not listen yet, in milliseconds. */
const startMs = 30_000;

/** Asked twice, since a program that restarts inside its container is silent for a moment. */
async function staysSilent(client: Client, host: ReadonlyHost): Promise<boolean> {
  if (Date.now() - Date.parse(client.container.state.startedAt) < startMs) return false;
  if (!(await pageIsSilent(client, host))) return false;
  await sleep(Math.min(1, networkSettings(host).pageSeconds) * 1_000, undefined, { signal: host.signal });
  return pageIsSilent(client, host);
}

/** Undefined for a client in a restart loop: its network does not exist for long enough. */
async function fromInside(client: Client, world: World, host: ReadonlyHost): Promise<ReachResult | undefined> {
  if (client.container.state.status === 'restarting') return undefined;
  try {
    const reach = await host.probes.reach(client.container, requestOf(client, world));
    return reach.sql.ok || !(await startsAgain(client, host)) ? reach : undefined;
  } catch (error) {
    if (await startsAgain(client, host)) return undefined;
    throw error;
  }
}

async function startsAgain({ container }: Client, host: ReadonlyHost): Promise<boolean> {
  const state = (await host.docker.container(container.id))?.state;
  return state?.status === 'restarting' || (state?.running === true && state.startedAt !== container.state.startedAt);
}

/** From the engine's data alone. */
export function situationOf({ container, instance, address }: Client): Situation {
  const server = instance.container;
  const common = commonNetworks(container, server);
  const own = ownAddresses(server);
  return {
    server: server.state.status,
    host: {
      kind: isLoopback(address.host) ? 'loopback' : isAddress(address.host) ? 'address' : 'name',
      ownName: allNames(server).includes(address.host),
      ownAddress: own.includes(address.host),
    },
    port: address.port,
    serverPort: instance.port,
    common,
    named: common.filter((network) => namesOn(server, network).includes(address.host)),
    sharesDefaultBridge: [container, server].every(({ endpoints }) =>
      endpoints.some(({ network }) => network === 'bridge'),
    ),
    borrowed: borrowsNetwork(container),
    own,
    others: [],
    systemIdentifier: undefined,
    listen: undefined,
    reach: undefined,
  };
}

/** Addresses that other containers have on the client's networks. */
function othersAmong(
  { addresses }: Pick<ReachResult, 'addresses'>,
  client: Client,
  { containers }: World,
): readonly string[] {
  const own = ownAddresses(client.instance.container);
  return addresses.filter((address) => {
    if (own.includes(address)) return false;
    const holder = holderOf(address, networksOf(client.container), containers);
    return holder !== undefined && holder.id !== client.container.id;
  });
}

/**
 * The client's own login is only sent where the client sends it anyway. The instance's login is used only if the client's
 * is unknown, and only if the host is certainly the instance.
 */
export function requestOf(client: Client, world: World): ReachRequest {
  const { instance, address } = client;
  const { host, port, user = instance.user, database = user, password, sslMode } = address;
  if (password === undefined && isSure(client, world)) return { host, port, instance };
  const login = { user, database, password: password ?? '', ...(sslMode === undefined ? {} : { sslMode }) };
  return { host, port, instance, login };
}

/** Whether the host is a name or address of the instance, and of no other container that the client can see. */
function isSure(client: Client, { containers }: World): boolean {
  const { container, instance, address } = client;
  const { own, named } = situationOf(client);
  const rivals = networksOf(container)
    .flatMap((network) => answering(address.host, network, containers))
    .filter(({ id }) => id !== instance.container.id);
  return rivals.length === 0 && (named.length > 0 || own.includes(address.host));
}

/** pgweb answers `/api/info` without its database; this page needs it (docs/engineering/networks.md#pgweb). */
export const guiPath = '/api/connection';

/** A GUI's own status page; undefined for other clients, or if its network does not exist now. */
export async function guiPage(
  { container, instance, gui }: Client,
  host: ReadonlyHost,
): Promise<HttpAnswer | undefined> {
  const isPgweb = gui || /(?:^|\/)pgweb(?:[:@]|$)/.test(container.imageName);
  if (!isPgweb || container.state.status !== 'running') return undefined;
  const ports = new Set(
    container.portBindings.filter(({ protocol }) => protocol === 'tcp').map(({ containerPort }) => containerPort),
  );
  const [port = 8081] = ports.size === 1 ? ports : [];
  return host.probes.httpGet(container, { port, path: guiPath, image: instance.container.image });
}

/** Whether a GUI's page gives no answer at all. False for other clients, and if it cannot be asked. */
export async function pageIsSilent(client: Client, host: ReadonlyHost): Promise<boolean> {
  const page = await guiPage(client, host).catch(() => undefined);
  host.signal.throwIfAborted();
  return page?.status === 0;
}
