import { z } from 'zod';
import type { Container, EndpointSpec } from '../../host/docker/types.ts';
import type { Host } from '../contract.ts';

/** How a container is connected to a network; null: not at all. */
export const endpointBefore = z
  .strictObject({ aliases: z.array(z.string()), ipv4: z.string(), ipv6: z.string() })
  .nullable();

export type EndpointBefore = z.output<typeof endpointBefore>;

export function endpointOn(container: Container, network: string): EndpointBefore {
  const found = container.endpoints.find((endpoint) => endpoint.network === network || endpoint.networkId === network);
  if (found === undefined) return null;
  const aliases = found.aliases.filter((alias) => alias !== container.id.slice(0, 12)).sort();
  return { aliases, ipv4: found.staticIpv4, ipv6: found.staticIpv6 };
}

/** Makes the connection exactly this one. */
export async function setEndpoint(
  host: Host,
  container: Container,
  network: string,
  wanted: EndpointBefore,
): Promise<void> {
  const now = endpointOn(container, network);
  if (sameEndpoint(now, wanted)) return;
  if (now !== null) await host.change.docker.disconnect(network, container.id);
  if (wanted !== null) await host.change.docker.connect(network, container.id, specOf(wanted));
}

export function sameEndpoint(a: EndpointBefore, b: EndpointBefore): boolean {
  if (a === null || b === null) return a === b;
  return a.ipv4 === b.ipv4 && a.ipv6 === b.ipv6 && a.aliases.join(' ') === b.aliases.join(' ');
}

export function wordsOf(endpoint: EndpointBefore): string {
  if (endpoint === null) return 'not connected';
  return endpoint.aliases.length === 0 ? 'connected' : `connected as ${endpoint.aliases.join(', ')}`;
}

function specOf({ aliases, ipv4, ipv6 }: NonNullable<EndpointBefore>): EndpointSpec {
  return { aliases, ...(ipv4 === '' ? {} : { ipv4 }), ...(ipv6 === '' ? {} : { ipv6 }) };
}
