import type { ReachResult } from '../../../host/probes/types.ts';
import { clientErrorOf, type Client } from './clients.ts';

/**
 * Why a client cannot reach its instance. See docs/engineering/networks.md#messages-in-the-client; one message has several
 * causes, so everything is checked.
 */
export const conditions = [
  'server-stopped',
  'server-paused',
  'server-restarting',
  'asks-itself',
  'no-common-network',
  'default-bridge',
  'missing-alias',
  'duplicate-alias',
  'wrong-server',
  'stale-address',
  'wrong-port',
  'listen-address',
  'hba-refused',
  'tls-refused',
  'password-refused',
  'role-missing',
  'database-missing',
  'unreachable',
  'page-silent',
] as const;

export type Condition = (typeof conditions)[number];

/** The data for a diagnosis. */
export interface Situation {
  /** The server's `State.Status`. */
  readonly server: string;
  readonly host: {
    readonly kind: 'loopback' | 'address' | 'name';
    readonly ownName: boolean;
    readonly ownAddress: boolean;
  };
  readonly port: number;
  /** The server's port inside its container. */
  readonly serverPort: number;
  /** User-defined networks that both are on, and those of them on which the server has the name. */
  readonly common: readonly string[];
  readonly named: readonly string[];
  readonly sharesDefaultBridge: boolean;
  /** The client uses the network of the machine or of another container. */
  readonly borrowed: boolean;
  /** The server's addresses; empty if it has none of its own. */
  readonly own: readonly string[];
  /** Resolved addresses that belong to other containers on the client's networks. */
  readonly others: readonly string[];
  /** The instance's system identifier, if it could be read. */
  readonly systemIdentifier: string | undefined;
  /** The server's `listen_addresses`, if it could be read. */
  readonly listen: string | undefined;
  /** Probes from the client's network; undefined if impossible, as for a client in a restart loop. */
  readonly reach: ReachResult | undefined;
  /** The server has no role of the client's name, so its words about a wrong password mislead. Asked only after these. */
  readonly roleMissing?: boolean;
  /** The GUI's own page does not answer. Asked only if the connection works. */
  readonly page?: 'silent';
}

/** `starting`: not decided yet. Undefined: the connection works, and the page too if it was asked. */
export function diagnose(seen: Situation): Condition | 'starting' | undefined {
  return ofConnection(seen) ?? (seen.page === 'silent' ? 'page-silent' : undefined);
}

function ofConnection(seen: Situation): Condition | 'starting' | undefined {
  if (seen.server === 'paused') return 'server-paused';
  if (seen.server === 'restarting') return 'server-restarting';
  if (seen.server !== 'running') return 'server-stopped';
  const { reach } = seen;
  if (seen.host.kind === 'loopback' && !seen.borrowed) return reach?.sql.ok === true ? undefined : 'asks-itself';
  if (reach === undefined) return withoutWay(seen);
  const mixed = seen.others.length > 0 && reach.addresses.some((address) => seen.own.includes(address));
  if (mixed) return 'duplicate-alias';
  if (reach.sql.ok) return isOther(seen, reach.sql) ? elsewhere(seen) : undefined;
  if (seen.others.length > 0) return elsewhere(seen);
  return ofAnswer(seen, reach.sql.message);
}

function ofAnswer(seen: Situation, message: string): Condition | 'starting' | undefined {
  const answer = clientErrorOf(message);
  switch (answer) {
    case 'hba-refused':
    case 'tls-refused':
    case 'role-missing':
    case 'database-missing':
      return answer;
    case 'password-refused':
      return seen.roleMissing === true ? 'role-missing' : answer;
    case 'starting':
      return 'starting';
    case 'other-refusal':
      return undefined;
    case 'refused':
      return refused(seen);
    case 'no-such-name':
    case 'no-answer':
    case 'unknown':
      return withoutWay(seen) ?? 'unreachable';
  }
}

/** The host exists, but does not accept the connection. */
function refused(seen: Situation): Condition | 'starting' {
  const { host, port, serverPort, listen } = seen;
  if (host.kind === 'address' && !host.ownAddress && !seen.borrowed) return 'stale-address';
  if (!host.ownName && !host.ownAddress) return withoutWay(seen) ?? 'unreachable';
  if (port !== serverPort) return 'wrong-port';
  // A server that cannot be queried is not listening yet, as during its first initialization.
  if (listen === undefined) return 'starting';
  return listensOn(listen, seen.own) ? 'unreachable' : 'listen-address';
}

/** What is wrong according to the networks alone; undefined if the two should reach each other. */
function withoutWay(seen: Situation): Condition | undefined {
  const { host, common, named, sharesDefaultBridge } = seen;
  if (seen.borrowed) return undefined;
  if (host.kind === 'address') return addressed(seen);
  if (named.length > 0) return undefined;
  if (common.length > 0) return 'missing-alias';
  return sharesDefaultBridge ? 'default-bridge' : 'no-common-network';
}

function addressed({ host, common, sharesDefaultBridge }: Situation): Condition | undefined {
  if (!host.ownAddress) return 'stale-address';
  return common.length > 0 || sharesDefaultBridge ? undefined : 'no-common-network';
}

/** Whether it is another server: by address, since clones of a data directory have different ones; else by data. */
function isOther(
  { own, systemIdentifier }: Situation,
  sql: { readonly systemIdentifier: string; readonly serverAddress: string },
): boolean {
  if (systemIdentifier !== undefined && sql.systemIdentifier !== systemIdentifier) return true;
  return own.length > 0 && sql.serverAddress !== '-' && !own.includes(sql.serverAddress);
}

function elsewhere({ host }: Situation): Condition {
  return host.kind === 'address' ? 'stale-address' : 'wrong-server';
}

function listensOn(listen: string, own: readonly string[]): boolean {
  return listen.split(',').some((one) => ['*', '0.0.0.0', '::', ...own].includes(one.trim()));
}

/** One sentence for each diagnosis. */
export function summaryOf(trouble: Condition, { container, instance, address }: Client): string {
  const client = container.name;
  const server = instance.container.name;
  const { host, port, user = instance.user, database = user, source } = address;
  switch (trouble) {
    case 'server-stopped':
      return `${client} cannot reach ${server}, which is not running, so its name does not resolve.`;
    case 'server-paused':
      return `${client} cannot reach ${server}, which is paused.`;
    case 'server-restarting':
      return `${client} cannot reach ${server}, which is in a restart loop.`;
    case 'asks-itself':
      return `${client} connects to ${host}:${port} for ${instance.name}, which inside its container is ${client} itself.`;
    case 'no-common-network':
      return `${client} cannot reach ${server}: they share no network.`;
    case 'default-bridge':
      return `${client} cannot reach ${server}: they share only the default bridge network, which has no DNS.`;
    case 'missing-alias':
      return `${client} connects to ${host} for ${instance.name}, a name that ${server} does not have on their common network.`;
    case 'duplicate-alias':
      return `Several containers have the name ${host} on the networks of ${client}: it reaches ${server} or another one by chance.`;
    case 'wrong-server':
      return `${client} connects to ${host} for ${instance.name} and reaches another server.`;
    case 'stale-address':
      return `${client} connects to the address ${host} for ${instance.name}, which ${server} does not have.`;
    case 'wrong-port':
      return `${client} connects to ${server} on port ${port}; on a Docker network its port is ${instance.port}.`;
    case 'listen-address':
      return `${server} listens only on its loopback address, so ${client} is refused.`;
    case 'hba-refused':
      return `The access rules of ${server} (pg_hba.conf) have no entry for ${client} as ${user}.`;
    case 'tls-refused':
      return `${client} requires TLS, which ${server} does not offer.`;
    case 'password-refused':
      return `${server} rejects the user or password of ${client} in ${source} (user ${user}).`;
    case 'role-missing':
      return `${client} logs in to ${server} as ${user}, a role that does not exist there or may not log in.`;
    case 'database-missing':
      return `${client} connects to the database ${database} of ${server}, which does not exist.`;
    case 'unreachable':
      return `${client} cannot reach ${server} at ${host}:${port} although they share a network.`;
    case 'page-silent':
      return `${client} reaches ${server}, but its own page does not answer.`;
  }
}
