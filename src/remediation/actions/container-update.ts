import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Container } from '../../host/docker/types.ts';
import { getNumber } from '../../util/json.ts';
import type { Action, Host, ReadonlyHost } from '../contract.ts';
import { promisableTo } from '../shared/memory.ts';
import { instanceIn, requireContainer, shortRef } from './containers.ts';
import { operations } from '../operations.ts';

const policy = z.strictObject({
  name: z.enum(['', 'no', 'always', 'unless-stopped', 'on-failure']),
  maximumRetryCount: z.int().nonnegative(),
});

const containerUpdateRestartPolicyParams = z.strictObject({ container: z.string(), policy });

/**
 * A kept container with `restart: always` starts again on the same data when the engine restarts
 * (docs/engineering/docker-engine.md#restart-policy).
 */
export const containerUpdateRestartPolicy: Action<
  z.output<typeof containerUpdateRestartPolicyParams>,
  z.output<typeof policy>
> = {
  name: 'container.update-restart-policy',
  description: 'Sets the restart policy of a container.',
  params: containerUpdateRestartPolicyParams,
  undoState: policy,
  operation: operations['restart-policy'],
  describe: ({ container, policy: { name } }) => `set the restart policy of ${shortRef(container)} to ${name || 'no'}`,
  async effect({ container, policy: wanted }, host) {
    const found = await requireContainer(host, container);
    return [
      { object: `${found.name}: restart policy`, before: found.restartPolicy.name || 'no', after: wanted.name || 'no' },
    ];
  },
  async prepare({ container }, host) {
    const { restartPolicy } = await requireContainer(host, container);
    return policy.parse(restartPolicy);
  },
  async isDone({ container, policy: wanted }, host) {
    return same((await host.docker.container(container))?.restartPolicy, wanted);
  },
  async apply({ container, policy: wanted }, host) {
    await host.change.docker.updateRestartPolicy(container, { ...wanted, name: wanted.name || 'no' });
  },
  async undo({ container }, before, host) {
    await host.change.docker.updateRestartPolicy(container, { ...before, name: before.name || 'no' });
  },
  async isUndone({ container }, before, host) {
    return same((await host.docker.container(container))?.restartPolicy, before);
  },
};

function same(
  found: { readonly name: string; readonly maximumRetryCount: number } | undefined,
  wanted: z.output<typeof policy>,
): boolean {
  return (
    found !== undefined &&
    (found.name || 'no') === (wanted.name || 'no') &&
    found.maximumRetryCount === wanted.maximumRetryCount
  );
}

const bytes = z.int().min(6 * 2 ** 20);

const containerUpdateMemoryParams = z.strictObject({
  container: z.string(),
  memory: bytes,
  /** Memory plus swap, as in Docker. Equal to `memory`: no swap, which suits a database. */
  memorySwap: bytes,
});

/** As the engine reports it; 0: none. */
const before = z.strictObject({ memory: z.int().nonnegative(), memorySwap: z.int(), running: z.boolean() });

/** Only raises: a limit below the present use kills processes, and a newly added limit could not be removed again. */
export const containerUpdateMemory: Action<z.output<typeof containerUpdateMemoryParams>, z.output<typeof before>> = {
  name: 'container.update-memory',
  description: 'Raises the memory limit of a container without a restart, within the machine’s budget.',
  params: containerUpdateMemoryParams,
  undoState: before,
  operation: operations['raise-memory'],
  // Undo may need a stop.
  deadlineMs: 180_000,
  describe: ({ container, memory }) => `raise the memory limit of ${shortRef(container)} to ${mebibytes(memory)}`,
  async effect({ container, memory }, host) {
    const found = await requireContainer(host, container);
    return [{ object: `${found.name}: memory limit`, before: mebibytes(found.memory), after: mebibytes(memory) }];
  },
  async prepare({ container, memory, memorySwap }, host) {
    const found = await requireContainer(host, container);
    if (found.memory === 0) throw new ProblemsError('step-refused', `${found.name} has no memory limit to raise.`);
    if (memory < found.memory || memorySwap < memory)
      throw new ProblemsError('step-refused', `The memory limit of ${found.name} can only be raised.`);
    await refuseBeyondBudget(found, memory, host);
    return { ...limitsOf(found), running: found.state.running };
  },
  async isDone({ container, memory, memorySwap }, host) {
    return isSame(limitsOf(await requireContainer(host, container)), { memory, memorySwap });
  },
  async apply({ container, memory, memorySwap }, host) {
    await host.change.docker.updateMemory(container, { memory, memorySwap });
  },
  /** The server may now use more than the old limit; then only a stop frees it. */
  async undo({ container }, { running, ...wanted }, host) {
    const found = await requireContainer(host, container);
    if (!isSame(limitsOf(found), wanted)) await lower(found, wanted, host);
    if (running) await host.change.docker.start(container);
  },
  async isUndone({ container }, { running, ...wanted }, host) {
    const found = await requireContainer(host, container);
    return isSame(limitsOf(found), wanted) && (found.state.running || !running);
  },
};

interface Limits {
  readonly memory: number;
  readonly memorySwap: number;
}

function isSame(a: Limits, b: Limits): boolean {
  return a.memory === b.memory && a.memorySwap === b.memorySwap;
}

/**
 * Never sets a limit below the present use while the server is running: cgroup v1 refuses that, and cgroup v2 reclaims
 * memory and kills if it cannot (docs/engineering/memory.md#changing-a-limit). Unknown use counts as more.
 */
async function lower(found: Container, wanted: Limits, host: Host): Promise<void> {
  const { id, name, state, autoRemove } = found;
  if (state.running && (await mayUseMoreThan(wanted.memory, found, host))) {
    if (autoRemove)
      throw new ProblemsError(
        'step-refused',
        `${name} uses more than its old memory limit of ${mebibytes(wanted.memory)}, and stopping it would remove it (--rm).`,
      );
    await host.change.docker.stop(id, { timeoutSeconds: 120 });
  }
  try {
    await host.change.docker.updateMemory(id, wanted);
  } catch (error) {
    // Its use has grown since it was measured.
    const inUse = error instanceof ProblemsError && error.code === 'engine-refused' && state.running;
    if (!inUse || autoRemove) throw error;
    await host.change.docker.stop(id, { timeoutSeconds: 120 });
    await host.change.docker.updateMemory(id, wanted);
  }
}

/** The use without inactive page cache, which the kernel can reclaim at once. */
async function mayUseMoreThan(limit: number, found: Container, host: ReadonlyHost): Promise<boolean> {
  const instance = await instanceIn(found, host);
  if (instance === undefined) return true;
  const use = await host.probes.memoryUse(instance).catch((error: unknown) => {
    if (error instanceof ProblemsError && error.code === 'engine-unreachable') throw error;
    return undefined;
  });
  return use === undefined || use.usage - use.inactiveFile > limit;
}

/** Keeps the sum of all limits within the machine's budget. See docs/engineering/memory.md#host-budget. */
async function refuseBeyondBudget(found: Container, memory: number, host: ReadonlyHost): Promise<void> {
  const promisable = await promisableTo(found, host);
  if (memory > promisable)
    throw new ProblemsError(
      'step-refused',
      `The limit of ${found.name} can be at most ${mebibytes(promisable)} next to those of the other containers, not ${mebibytes(memory)}.`,
    );
}

function limitsOf({ memory, inspect }: Container): Limits {
  return { memory, memorySwap: getNumber(inspect, 'HostConfig', 'MemorySwap') };
}

function mebibytes(amount: number): string {
  return amount === 0 ? 'none' : `${Math.round(amount / 2 ** 20)} MiB`;
}
