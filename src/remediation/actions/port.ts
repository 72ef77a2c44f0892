import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Action } from '../contract.ts';
import { leaseOf } from './port-lease.ts';

const params = z.strictObject({ instance: z.string(), port: z.int().min(1).max(65_535) });

/** Without an undo, so a matter of the cleanup: the lease is the instance's as long as there is a container. */
export const portBind: Action<z.output<typeof params>, null> = {
  name: 'port.bind',
  about: 'Makes a lease last: the container exists, so the port is its own even while it is stopped.',
  params,
  before: z.null(),
  operation: 'port-lease',
  describe: ({ instance, port }) => `keep port ${port} for ${instance}`,
  effect: async ({ instance, port }) => [
    { object: `port lease of ${instance}`, before: `${port}, expires`, after: `${port}, kept` },
  ],
  prepare: async () => null,
  async isDone({ instance, port }, host) {
    const lease = await leaseOf(host, instance);
    return lease?.port === port && lease.state === 'bound';
  },
  async apply({ instance, port }, host) {
    // It may have ended while the run was cut off. The container exists, so the port is its own where nobody has it.
    const lease = await host.change.leases.take({ instance, ports: [port], ttlMs: 60_000 });
    if (lease === undefined)
      throw new ProblemsError('step-refused', `Port ${port} is leased to another instance by now.`);
    await host.change.leases.bind(port, instance);
  },
};
