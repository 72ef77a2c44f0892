import { z } from 'zod';
import type { Action } from '../contract.ts';
import { needContainer, shortRef } from './containers.ts';
import { type EndpointBefore, endpointBefore, endpointOn, sameEndpoint, setEndpoint, wordsOf } from './endpoints.ts';

const params = z.strictObject({
  network: z.string(),
  container: z.string(),
  /** All names it is to have there: one that was cut off between going and coming back knows the old ones no more. */
  aliases: z.array(z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/)),
});

type NameParams = z.output<typeof params>;

export const networkName: Action<NameParams, EndpointBefore> = {
  name: 'network.name',
  about: 'Gives a container the names it answers to on a network. It is taken off for a moment: sessions over it end.',
  params,
  before: endpointBefore,
  operation: { running: 'restart-running', stopped: 'connect-client-network' },
  interrupts: true,
  describe: ({ network, container, aliases }) => `name ${shortRef(container)} ${aliases.join(', ')} on ${network}`,
  async effect(wanted, host) {
    const found = await needContainer(host, wanted.container);
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
    return endpointOn(await needContainer(host, container), network);
  },
  async isDone(wanted, host) {
    return sameEndpoint(endpointOn(await needContainer(host, wanted.container), wanted.network), endpointFor(wanted));
  },
  async apply(wanted, host) {
    await setEndpoint(host, await needContainer(host, wanted.container), wanted.network, endpointFor(wanted));
  },
  async undo({ network, container }, before, host) {
    await setEndpoint(host, await needContainer(host, container), network, before);
  },
  async isUndone({ network, container }, before, host) {
    return sameEndpoint(endpointOn(await needContainer(host, container), network), before);
  },
};

function endpointFor({ aliases }: NameParams): NonNullable<EndpointBefore> {
  return { aliases: [...new Set(aliases)].sort(), ipv4: '', ipv6: '' };
}
