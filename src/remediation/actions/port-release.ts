import { z } from 'zod';
import type { Action } from '../contract.ts';
import { isBack, leaseBefore, type LeaseBefore, leaseOf, putBack } from './port-lease.ts';

const params = z.strictObject({ instance: z.string(), port: z.int().min(1).max(65_535) });

export const portRelease: Action<z.output<typeof params>, LeaseBefore> = {
  name: 'port.release',
  about: 'Gives a leased port back.',
  params,
  before: leaseBefore,
  operation: 'port-lease',
  describe: ({ instance, port }) => `release port ${port} of ${instance}`,
  effect: async ({ instance, port }) => [{ object: `port lease of ${instance}`, before: String(port), after: 'none' }],
  prepare: async ({ instance }, host) => leaseOf(host, instance),
  async isDone({ instance, port }, host) {
    return (await leaseOf(host, instance))?.port !== port;
  },
  async apply({ instance, port }, host) {
    await host.change.leases.release(port, instance);
  },
  async undo({ instance }, before, host) {
    await putBack(host, instance, before, null);
  },
  async isUndone({ instance }, before, host) {
    return isBack(host, instance, before, null);
  },
};
