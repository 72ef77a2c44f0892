import type { ReachResult } from '../../../host/probes/types.ts';
import { clientErrorOf, type Client } from './clients.ts';

/**
 * The words for what keeps a client from its instance. See docs/engineering/networks.md#messages-in-the-client; one
 * text has several causes, so all is looked at.
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
  'database-missing',
  'unreachable',
] as const;

export type Condition = (typeof conditions)[number];

/** All that the diagnosis goes by. */
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
  /** User-defined networks that both are on, and those of them on which the server answers to the name. */
  readonly common: readonly string[];
  readonly named: readonly string[];
  readonly sharesDefaultBridge: boolean;
  /** The client uses the network of the machine or of another container. */
  readonly borrowed: boolean;
  /** The server's addresses; empty where it has none of its own. */
  readonly own: readonly string[];
  /** Of the addresses that the client was given, those of other containers on the client's networks. */
  readonly others: readonly string[];
  /** As `pg_control` of the instance has it, where it could be asked. */
  readonly systemIdentifier: string | undefined;
  /** The server's `listen_addresses`, where it could be asked. */
  readonly listen: string | undefined;
  /** From the client's place; undefined where nobody could be there, as in a client that keeps restarting. */
  readonly reach: ReachResult | undefined;
}

/** `starting`: neither sound nor broken yet. Undefined: nothing is wrong with the way. */
export function diagnose(seen: Situation): Condition | 'starting' | undefined {
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
    case 'password-refused':
    case 'database-missing':
      return answer;
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

/** The host is there, and nobody takes the connection. */
function refused(seen: Situation): Condition | 'starting' {
  const { host, port, serverPort, listen } = seen;
  if (host.kind === 'address' && !host.ownAddress && !seen.borrowed) return 'stale-address';
  if (!host.ownName && !host.ownAddress) return withoutWay(seen) ?? 'unreachable';
  if (port !== serverPort) return 'wrong-port';
  // A server that cannot be asked does not listen yet, as during its first initialisation.
  if (listen === undefined) return 'starting';
  return listensOn(listen, seen.own) ? 'unreachable' : 'listen-address';
}

/** What the engine says of the way between the two; undefined when it says that there is one. */
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

/** Another server: by its address, which clones of one data directory do not share; else by its data. */
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

/** One sentence for people. */
export function summaryOf(trouble: Condition, { container, instance, address }: Client): string {
  const client = container.name;
  const server = instance.container.name;
  const { host, port, user = instance.user, database = user, source } = address;
  switch (trouble) {
    case 'server-stopped':
      return `${client} does not reach ${server}, which does not run: its name has left the DNS.`;
    case 'server-paused':
      return `${client} does not reach ${server}, which is paused.`;
    case 'server-restarting':
      return `${client} does not reach ${server}, which the engine keeps restarting.`;
    case 'asks-itself':
      return `${client} looks for ${instance.name} on ${host}:${port}, which inside its container is ${client} itself.`;
    case 'no-common-network':
      return `${client} does not reach ${server}: the two are on no common network.`;
    case 'default-bridge':
      return `${client} does not reach ${server}: they share the default bridge alone, which knows no names.`;
    case 'missing-alias':
      return `${client} looks for ${instance.name} under the name ${host}, which ${server} does not have on their common network.`;
    case 'duplicate-alias':
      return `Several containers answer ${client} to the name ${host}: it gets ${server} or another by chance.`;
    case 'wrong-server':
      return `${client} looks for ${instance.name} under the name ${host} and gets another server.`;
    case 'stale-address':
      return `${client} looks for ${instance.name} at the address ${host}, which ${server} does not have.`;
    case 'wrong-port':
      return `${client} asks ${server} on port ${port}; on a Docker network it is ${instance.port}.`;
    case 'listen-address':
      return `${server} listens on its own loopback address alone, so ${client} is refused.`;
    case 'hba-refused':
      return `The access rules of ${server} (pg_hba.conf) have no entry that lets ${client} in as ${user}.`;
    case 'tls-refused':
      return `${client} asks ${server} for TLS, which it does not offer.`;
    case 'password-refused':
      return `${server} refuses the user or password that ${client} has in ${source} (user ${user}).`;
    case 'database-missing':
      return `${client} asks ${server} for the database ${database}, which does not exist.`;
    case 'unreachable':
      return `${client} does not reach ${server} at ${host}:${port}, though both are on one network.`;
  }
}
