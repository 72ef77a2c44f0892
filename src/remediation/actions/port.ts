import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Action, Host, PortLease, ReadonlyHost } from '../contract.ts';
import { operations } from '../operations.ts';

const portLeaseParams = z.strictObject({
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

export const portLease: Action<z.output<typeof portLeaseParams>, LeaseBefore> = {
  name: 'port.lease',
  description: 'Leases a port to an instance, so that no other instance gets it.',
  params: portLeaseParams,
  undoState: leaseBefore,
  operation: operations['port-lease'],
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
    if (lease === undefined) throw new ProblemsError('step-refused', `Port ${port} is now leased to another instance.`);
  },
  async undo({ instance, port }, before, host) {
    await putBack(host, instance, before, port);
  },
  async isUndone({ instance, port }, before, host) {
    return isBack(host, instance, before, port);
  },
};

async function leaseOf(host: ReadonlyHost, instance: string): Promise<LeaseBefore> {
  return (await host.leases.list()).find((lease) => lease.instance === instance) ?? null;
}

/**
 * Restores the lease that the instance had before. An expired lease is not restored, nor a port that another instance
 * holds now. `made` is the port that the run left it with, null for none.
 */
async function putBack(host: Host, instance: string, before: LeaseBefore, made: number | null): Promise<void> {
  if (await isBack(host, instance, before, made)) return;
  try {
    await host.change.leases.put(instance, await stillFree(host, before));
  } catch (error) {
    // Another instance got the port between the check and the change.
    if (!(error instanceof ProblemsError && error.code === 'step-refused')) throw error;
    await host.change.leases.put(instance, null);
  }
}

/** Whether nothing of the run is left, and everything that can be restored is restored. */
async function isBack(
  host: ReadonlyHost,
  instance: string,
  before: LeaseBefore,
  made: number | null,
): Promise<boolean> {
  const now = await leaseOf(host, instance);
  const wanted = await stillFree(host, before);
  if ((now?.port ?? null) === (wanted?.port ?? null)) return true;
  // Neither the old lease nor that of the run: another process has leased a port for this instance.
  return now !== null && now.port !== made;
}

async function stillFree(host: ReadonlyHost, before: LeaseBefore): Promise<LeaseBefore> {
  if (before === null || (before.expiresAt !== null && Date.parse(before.expiresAt) <= Date.now())) return null;
  const other = (await host.leases.list()).find(({ port }) => port === before.port);
  return other === undefined || other.instance === before.instance ? before : null;
}

const portReleaseParams = z.strictObject({ instance: z.string(), port: z.int().min(1).max(65_535) });

export const portRelease: Action<z.output<typeof portReleaseParams>, LeaseBefore> = {
  name: 'port.release',
  description: 'Releases a leased port.',
  params: portReleaseParams,
  undoState: leaseBefore,
  operation: operations['port-lease'],
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

const portBindParams = z.strictObject({ instance: z.string(), port: z.int().min(1).max(65_535) });

/** Has no undo, so it belongs in the cleanup: the lease lasts as long as the container exists. */
export const portBind: Action<z.output<typeof portBindParams>, null> = {
  name: 'port.bind',
  description: 'Makes a lease permanent: the container exists, so it keeps its port even while it is stopped.',
  params: portBindParams,
  undoState: z.null(),
  operation: operations['port-lease'],
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
    // The lease may have expired while the run was interrupted. The container exists, so lease the port again if it is free.
    const lease = await host.change.leases.take({ instance, ports: [port], ttlMs: 60_000 });
    if (lease === undefined) throw new ProblemsError('step-refused', `Port ${port} is now leased to another instance.`);
    await host.change.leases.bind(port, instance);
  },
};
