import { z } from 'zod';
import type { Container, EndpointSpec } from '../../host/docker/types.ts';
import type { Action, Host } from '../contract.ts';
import { requireContainer, shortRef } from './containers.ts';
import { operations } from '../operations.ts';

/** How a container is connected to a network; null: not connected. */
export const endpointBefore = z
  .strictObject({ aliases: z.array(z.string()), ipv4: z.string(), ipv6: z.string() })
  .nullable();

export type EndpointBefore = z.output<typeof endpointBefore>;

function endpointOn(container: Container, network: string): EndpointBefore {
  const found = container.endpoints.find((endpoint) => endpoint.network === network || endpoint.networkId === network);
  if (found === undefined) return null;
  const aliases = found.aliases.filter((alias) => alias !== container.id.slice(0, 12)).sort();
  return { aliases, ipv4: found.staticIpv4, ipv6: found.staticIpv6 };
}

/** Changes the connection to exactly this one. */
async function setEndpoint(host: Host, container: Container, network: string, wanted: EndpointBefore): Promise<void> {
  const now = endpointOn(container, network);
  if (sameEndpoint(now, wanted)) return;
  if (now !== null) await host.change.docker.disconnect(network, container.id);
  if (wanted !== null) await host.change.docker.connect(network, container.id, specOf(wanted));
}

function sameEndpoint(a: EndpointBefore, b: EndpointBefore): boolean {
  if (a === null || b === null) return a === b;
  return a.ipv4 === b.ipv4 && a.ipv6 === b.ipv6 && a.aliases.join(' ') === b.aliases.join(' ');
}

function wordsOf(endpoint: EndpointBefore): string {
  if (endpoint === null) return 'not connected';
  return endpoint.aliases.length === 0 ? 'connected' : `connected as ${endpoint.aliases.join(', ')}`;
}

function specOf({ aliases, ipv4, ipv6 }: NonNullable<EndpointBefore>): EndpointSpec {
  return { aliases, ...(ipv4 === '' ? {} : { ipv4 }), ...(ipv6 === '' ? {} : { ipv6 }) };
}

const networkDisconnectParams = z.strictObject({ network: z.string(), container: z.string() });

export const networkDisconnect: Action<z.output<typeof networkDisconnectParams>, EndpointBefore> = {
  name: 'network.disconnect',
  description: 'Disconnects a container from a network. Sessions over it hang until they time out.',
  params: networkDisconnectParams,
  undoState: endpointBefore,
  operation: { running: operations['recreate-dependant'], stopped: operations['connect-client-network'] },
  describe: ({ network, container }) => `disconnect ${shortRef(container)} from ${network}`,
  async effect({ network, container }, host) {
    const found = await requireContainer(host, container);
    return [
      { object: `${found.name} on ${network}`, before: wordsOf(endpointOn(found, network)), after: wordsOf(null) },
    ];
  },
  async prepare({ network, container }, host) {
    return endpointOn(await requireContainer(host, container), network);
  },
  async isDone({ network, container }, host) {
    return endpointOn(await requireContainer(host, container), network) === null;
  },
  async apply({ network, container }, host) {
    await setEndpoint(host, await requireContainer(host, container), network, null);
  },
  async undo({ network, container }, before, host) {
    await setEndpoint(host, await requireContainer(host, container), network, before);
  },
  async isUndone({ network, container }, before, host) {
    return sameEndpoint(endpointOn(await requireContainer(host, container), network), before);
  },
};

const networkNameParams = z.strictObject({
  network: z.string(),
  container: z.string(),
  /** All aliases it must have there: after a crash between disconnect and connect the old ones are lost. */
  aliases: z.array(z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/)),
});

type NameParams = z.output<typeof networkNameParams>;

export const networkName: Action<NameParams, EndpointBefore> = {
  name: 'network.name',
  description:
    'Sets the aliases of a container on a network. It is disconnected briefly, which ends sessions over that network.',
  params: networkNameParams,
  undoState: endpointBefore,
  operation: { running: operations['restart-running'], stopped: operations['connect-client-network'] },
  interrupts: true,
  describe: ({ network, container, aliases }) =>
    `set the aliases of ${shortRef(container)} on ${network} to ${aliases.join(', ')}`,
  async effect(wanted, host) {
    const found = await requireContainer(host, wanted.container);
    const { network } = wanted;
    return [
      {
        object: `${found.name} on ${network}`,
        before: wordsOf(endpointOn(found, network)),
        after: wordsOf(endpointFor(wanted)),
      },
    ];
  },
  async prepare({ network, container }, host) {
    return endpointOn(await requireContainer(host, container), network);
  },
  async isDone(wanted, host) {
    return sameEndpoint(
      endpointOn(await requireContainer(host, wanted.container), wanted.network),
      endpointFor(wanted),
    );
  },
  async apply(wanted, host) {
    await setEndpoint(host, await requireContainer(host, wanted.container), wanted.network, endpointFor(wanted));
  },
  async undo({ network, container }, before, host) {
    await setEndpoint(host, await requireContainer(host, container), network, before);
  },
  async isUndone({ network, container }, before, host) {
    return sameEndpoint(endpointOn(await requireContainer(host, container), network), before);
  },
};

function endpointFor({ aliases }: NameParams): NonNullable<EndpointBefore> {
  return { aliases: [...new Set(aliases)].sort(), ipv4: '', ipv6: '' };
}

const networkConnectParams = z.strictObject({
  network: z.string(),
  container: z.string(),
  /** Additional aliases. They must be unique on the network, or clients reach one server or the other. */
  aliases: z.array(z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/)),
});

export const networkConnect: Action<z.output<typeof networkConnectParams>, EndpointBefore> = {
  name: 'network.connect',
  description:
    'Connects a container to a network, or adds an alias there. Works without a restart, and survives restarts.',
  params: networkConnectParams,
  undoState: endpointBefore,
  operation: operations['connect-client-network'],
  describe: ({ network, container }) => `connect ${shortRef(container)} to ${network}`,
  async effect(wanted, host) {
    const found = await requireContainer(host, wanted.container);
    const before = endpointOn(found, wanted.network);
    return [
      {
        object: `${found.name} on ${wanted.network}`,
        before: wordsOf(before),
        after: wordsOf(completed(before, wanted.aliases)),
      },
    ];
  },
  async prepare({ network, container }, host) {
    return endpointOn(await requireContainer(host, container), network);
  },
  async isDone({ network, container, aliases }, host) {
    const now = endpointOn(await requireContainer(host, container), network);
    return now !== null && sameEndpoint(now, completed(now, aliases));
  },
  async apply({ network, container, aliases }, host) {
    const found = await requireContainer(host, container);
    await setEndpoint(host, found, network, completed(endpointOn(found, network), aliases));
  },
  async undo({ network, container }, before, host) {
    await setEndpoint(host, await requireContainer(host, container), network, before);
  },
  async isUndone({ network, container }, before, host) {
    return sameEndpoint(endpointOn(await requireContainer(host, container), network), before);
  },
};

function completed(before: EndpointBefore, aliases: readonly string[]): NonNullable<EndpointBefore> {
  return {
    aliases: [...new Set([...(before?.aliases ?? []), ...aliases])].sort(),
    ipv4: before?.ipv4 ?? '',
    ipv6: before?.ipv6 ?? '',
  };
}
