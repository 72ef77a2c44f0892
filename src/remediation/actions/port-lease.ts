import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Action, PortLease, ReadonlyHost } from '../contract.ts';

const params = z.strictObject({
  instance: z.string(),
  port: z.int().min(1).max(65_535),
  ttlMs: z.int().positive().default(600_000),
});

export const leaseBefore = z
  .strictObject({
    host: z.string(),
    port: z.int(),
    instance: z.string(),
    state: z.enum(['reserved', 'bound']),
    owner: z.string(),
    token: z.int(),
    expiresAt: z.string().nullable(),
  })
  .nullable() satisfies z.ZodType<PortLease | null>;

export type LeaseBefore = z.output<typeof leaseBefore>;

export const portLease: Action<z.output<typeof params>, LeaseBefore> = {
  name: 'port.lease',
  about: 'Holds a port for an instance, so that no other instance is given it.',
  params,
  before: leaseBefore,
  operation: 'port-lease',
  describe: ({ instance, port }) => `lease port ${port} for ${instance}`,
  async effect({ instance, port }, host) {
    const held = await leaseOf(host, instance);
    return [
      { object: `port lease of ${instance}`, before: held === null ? 'none' : String(held.port), after: String(port) },
    ];
  },
  prepare: async ({ instance }, host) => leaseOf(host, instance),
  async isDone({ instance, port }, host) {
    return (await leaseOf(host, instance))?.port === port;
  },
  async apply({ instance, port, ttlMs }, host) {
    const lease = await host.change.leases.take({ instance, ports: [port], ttlMs });
    if (lease === undefined)
      throw new ProblemsError('step-refused', `Port ${port} is leased to another instance by now.`);
  },
  async undo({ instance }, before, host) {
    await host.change.leases.put(instance, before);
  },
  async isUndone({ instance }, before, host) {
    return (await leaseOf(host, instance))?.port === before?.port;
  },
};

export async function leaseOf(host: ReadonlyHost, instance: string): Promise<LeaseBefore> {
  return (await host.leases.list()).find((lease) => lease.instance === instance) ?? null;
}
