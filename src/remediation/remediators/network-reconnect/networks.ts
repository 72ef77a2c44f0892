import type { Container, Endpoint } from '../../../host/docker/types.ts';

/** Networks as the containers on them see them: who is on which, and who answers to which name. */

/** Only user-defined networks have names; the engine's own have none (PGOPS §7.1). */
function isUserDefined({ network }: Pick<Endpoint, 'network'>): boolean {
  return network !== 'bridge' && network !== 'host' && network !== 'none';
}

/** Names of user-defined networks, sorted. */
export function networksOf(container: Container): readonly string[] {
  return container.endpoints
    .filter(isUserDefined)
    .map(({ network }) => network)
    .sort();
}

/** User-defined networks that both are on. */
export function commonNetworks(one: Container, other: Container): readonly string[] {
  const others = networksOf(other);
  return networksOf(one).filter((network) => others.includes(network));
}

/** What a container answers to on a user-defined network, in lower case. */
export function namesOn(container: Container, network: string): readonly string[] {
  const endpoint = container.endpoints.find((one) => one.network === network && isUserDefined(one));
  if (endpoint === undefined) return [];
  return [
    ...new Set([container.name, container.id.slice(0, 12), ...endpoint.aliases].map((name) => name.toLowerCase())),
  ];
}

/** On any of its networks. */
export function allNames(container: Container): readonly string[] {
  return [
    ...new Set([
      container.name.toLowerCase(),
      ...networksOf(container).flatMap((network) => namesOn(container, network)),
    ]),
  ];
}

/** Its own addresses, of every network. */
export function ownAddresses({ endpoints }: Container): readonly string[] {
  return endpoints.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]).filter((address) => address !== '');
}

/** Containers that run on the network and answer to the name there. */
export function answering(name: string, network: string, containers: readonly Container[]): readonly Container[] {
  return containers.filter(
    (container) => container.state.running && namesOn(container, network).includes(name.toLowerCase()),
  );
}

/** The container that has the address on one of these networks. */
export function holderOf(
  address: string,
  networks: readonly string[],
  containers: readonly Container[],
): Container | undefined {
  return containers.find(
    ({ state, endpoints }) =>
      state.running &&
      endpoints.some(({ network, ipv4, ipv6 }) => networks.includes(network) && (ipv4 === address || ipv6 === address)),
  );
}

/** Whether the client has no place of its own on any network: the engine connects nothing like that. */
export function borrowsNetwork({ networkMode }: Container): boolean {
  return networkMode === 'host' || networkMode === 'none' || networkMode.startsWith('container:');
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '0.0.0.0' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

export function isAddress(host: string): boolean {
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host) || host.includes(':');
}
