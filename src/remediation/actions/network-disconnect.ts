import { z } from 'zod';
import type { Action } from '../contract.ts';
import { needContainer, shortRef } from './containers.ts';
import { type EndpointBefore, endpointBefore, endpointOn, sameEndpoint, setEndpoint, wordsOf } from './endpoints.ts';

const params = z.strictObject({ network: z.string(), container: z.string() });

export const networkDisconnect: Action<z.output<typeof params>, EndpointBefore> = {
  name: 'network.disconnect',
  about: 'Takes a container off a network. Sessions over it hang until they notice.',
  params,
  before: endpointBefore,
  operation: { running: 'recreate-dependant', stopped: 'connect-client-network' },
  describe: ({ network, container }) => `disconnect ${shortRef(container)} from ${network}`,
  async effect({ network, container }, host) {
    const found = await needContainer(host, container);
    return [
      { object: `${found.name} on ${network}`, before: wordsOf(endpointOn(found, network)), after: wordsOf(null) },
    ];
  },
  async prepare({ network, container }, host) {
    return endpointOn(await needContainer(host, container), network);
  },
  async isDone({ network, container }, host) {
    return endpointOn(await needContainer(host, container), network) === null;
  },
  async apply({ network, container }, host) {
    await setEndpoint(host, await needContainer(host, container), network, null);
  },
  async undo({ network, container }, before, host) {
    await setEndpoint(host, await needContainer(host, container), network, before);
  },
  async isUndone({ network, container }, before, host) {
    return sameEndpoint(endpointOn(await needContainer(host, container), network), before);
  },
};
