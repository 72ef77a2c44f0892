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
 * A kept container with `restart: always` comes back on the same data when the engine restarts
 * (docs/engineering/docker-engine.md#restart-policy).
 */
export const containerUpdateRestartPolicy: Action<
  z.output<typeof containerUpdateRestartPolicyParams>,
  z.output<typeof policy>
> = {
  name: 'container.update-restart-policy',
  description: 'Sets when the engine starts a container by itself.',
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
  /** Memory and swap together, as Docker takes it. Equal to `memory`: no swap, as a database wants it. */
  memorySwap: bytes,
});

/** As the engine has it; 0: none. */
const before = z.strictObject({ memory: z.int().nonnegative(), memorySwap: z.int(), running: z.boolean() });

/** Only upwards: a limit below what is used kills, and one that was never there could not be taken away again. */
export const containerUpdateMemory: Action<z.output<typeof containerUpdateMemoryParams>, z.output<typeof before>> = {
  name: 'container.update-memory',
  description: 'Raises the memory limit of a container, live, within what the machine has left.',
  params: containerUpdateMemoryParams,
  undoState: before,
  operation: operations['raise-memory'],
  // Undoing it may take a stop.
  deadlineMs: 180_000,
  describe: ({ container, memory }) => `raise the memory limit of ${shortRef(container)} to ${mebibytes(memory)}`,
  async effect({ container, memory }, host) {
    const found = await requireContainer(host, container);
    return [{ object: `${found.name}: memory limit`, before: mebibytes(found.memory), after: mebibytes(memory) }];
  },
  async prepare({ container, memory, memorySwap }, host) {
    const found = await requireContainer(host, container);
    if (found.memory === 0)
      throw new ProblemsError('step-refused', `${found.name} has no memory limit that could be raised.`);
    if (memory < found.memory || memorySwap < memory)
      throw new ProblemsError('step-refused', `The memory limit of ${found.name} is only raised, never lowered.`);
    await refuseBeyondBudget(found, memory, host);
    return { ...limitsOf(found), running: found.state.running };
  },
  async isDone({ container, memory, memorySwap }, host) {
    return isSame(limitsOf(await requireContainer(host, container)), { memory, memorySwap });
  },
  async apply({ container, memory, memorySwap }, host) {
    await host.change.docker.updateMemory(container, { memory, memorySwap });
  },
  /** What is used by now may be more than the old limit: only a stop gives it back. */
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
 * Never below what is used while the server runs: the kernel of control groups of version 1 refuses that, the one of
 * version 2 takes it as an order to make room, and kills where it finds none
 * (docs/engineering/memory.md#changing-a-limit). What cannot be asked may be more.
 */
async function lower(found: Container, wanted: Limits, host: Host): Promise<void> {
  const { id, name, state, autoRemove } = found;
  if (state.running && (await mayUseMoreThan(wanted.memory, found, host))) {
    if (autoRemove)
      throw new ProblemsError(
        'step-refused',
        `${name} uses more than its old memory limit of ${mebibytes(wanted.memory)}, and would be removed if it were stopped (AutoRemove).`,
      );
    await host.change.docker.stop(id, { timeoutSeconds: 120 });
  }
  try {
    await host.change.docker.updateMemory(id, wanted);
  } catch (error) {
    // More has come into use since it was asked.
    const inUse = error instanceof ProblemsError && error.code === 'engine-refused' && state.running;
    if (!inUse || autoRemove) throw error;
    await host.change.docker.stop(id, { timeoutSeconds: 120 });
    await host.change.docker.updateMemory(id, wanted);
  }
}

/** Of what is used, page cache that nobody has asked for lately can be taken back at once. */
async function mayUseMoreThan(limit: number, found: Container, host: ReadonlyHost): Promise<boolean> {
  const instance = await instanceIn(found, host);
  if (instance === undefined) return true;
  const use = await host.probes.memoryUse(instance).catch((error: unknown) => {
    if (error instanceof ProblemsError && error.code === 'engine-unreachable') throw error;
    return undefined;
  });
  return use === undefined || use.usage - use.inactiveFile > limit;
}

/** All limits together stay within what the machine can promise. See docs/engineering/memory.md#host-budget. */
async function refuseBeyondBudget(found: Container, memory: number, host: ReadonlyHost): Promise<void> {
  const promisable = await promisableTo(found, host);
  if (memory > promisable)
    throw new ProblemsError(
      'step-refused',
      `The machine can promise ${mebibytes(promisable)} to ${found.name} beside the limits of the others, not ${mebibytes(memory)}.`,
    );
}

function limitsOf({ memory, inspect }: Container): Limits {
  return { memory, memorySwap: getNumber(inspect, 'HostConfig', 'MemorySwap') };
}

function mebibytes(amount: number): string {
  return amount === 0 ? 'none' : `${Math.round(amount / 2 ** 20)} MiB`;
}
