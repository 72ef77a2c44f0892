import { z } from 'zod';
import type { Action } from '../contract.ts';
import { needContainer, shortRef } from './containers.ts';
import { type EndpointBefore, endpointBefore, endpointOn, sameEndpoint, setEndpoint, wordsOf } from './endpoints.ts';

const params = z.strictObject({
  network: z.string(),
  container: z.string(),
  /** Names it answers to there, beside those it has. Unique on a network, or clients get one server or the other. */
  aliases: z.array(z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/)),
});

export const networkConnect: Action<z.output<typeof params>, EndpointBefore> = {
  name: 'network.connect',
  about: 'Connects a container to a network, or gives it a further name there. Live, and kept over restarts.',
  params,
  before: endpointBefore,
  operation: 'connect-client-network',
  describe: ({ network, container }) => `connect ${shortRef(container)} to ${network}`,
  async effect(wanted, host) {
    const found = await needContainer(host, wanted.container);
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
    return endpointOn(await needContainer(host, container), network);
  },
  async isDone({ network, container, aliases }, host) {
    const now = endpointOn(await needContainer(host, container), network);
    return now !== null && sameEndpoint(now, completed(now, aliases));
  },
  async apply({ network, container, aliases }, host) {
    const found = await needContainer(host, container);
    await setEndpoint(host, found, network, completed(endpointOn(found, network), aliases));
  },
  async undo({ network, container }, before, host) {
    await setEndpoint(host, await needContainer(host, container), network, before);
  },
  async isUndone({ network, container }, before, host) {
    return sameEndpoint(endpointOn(await needContainer(host, container), network), before);
  },
};

function completed(before: EndpointBefore, aliases: readonly string[]): NonNullable<EndpointBefore> {
  return {
    aliases: [...new Set([...(before?.aliases ?? []), ...aliases])].sort(),
    ipv4: before?.ipv4 ?? '',
    ipv6: before?.ipv6 ?? '',
  };
}
