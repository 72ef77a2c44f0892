import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import { numberAt } from '../../host/json.ts';
import type { Container } from '../../host/types.ts';
import type { Action, ReadonlyHost } from '../contract.ts';
import { needContainer, shortRef } from './containers.ts';

const bytes = z.int().min(6 * 2 ** 20);
const params = z.strictObject({
  container: z.string(),
  memory: bytes,
  /** Memory and swap together, as Docker takes it. Equal to `memory`: no swap, as a database wants it. */
  memorySwap: bytes,
});
/** As the engine has it; 0: none. */
const before = z.strictObject({ memory: z.int().nonnegative(), memorySwap: z.int(), running: z.boolean() });

/** Only upwards: a limit below what is used kills, and one that was never there could not be taken away again. */
export const containerUpdateMemory: Action<z.output<typeof params>, z.output<typeof before>> = {
  name: 'container.update-memory',
  about: 'Raises the memory limit of a container, live, within what the machine has left.',
  params,
  before,
  operation: 'raise-memory',
  // Undoing it may take a stop.
  deadlineMs: 180_000,
  describe: ({ container, memory }) => `raise the memory limit of ${shortRef(container)} to ${mebibytes(memory)}`,
  async effect({ container, memory }, host) {
    const found = await needContainer(host, container);
    return [{ object: `${found.name}: memory limit`, before: mebibytes(found.memory), after: mebibytes(memory) }];
  },
  async prepare({ container, memory, memorySwap }, host) {
    const found = await needContainer(host, container);
    if (found.memory === 0)
      throw new ProblemsError('step-refused', `${found.name} has no memory limit that could be raised.`);
    if (memory < found.memory || memorySwap < memory)
      throw new ProblemsError('step-refused', `The memory limit of ${found.name} is only raised, never lowered.`);
    await refuseBeyondBudget(found, memory, host);
    return { ...limitsOf(found), running: found.state.running };
  },
  async isDone({ container, memory, memorySwap }, host) {
    return isSame(limitsOf(await needContainer(host, container)), { memory, memorySwap });
  },
  async apply({ container, memory, memorySwap }, host) {
    await host.change.docker.updateMemory(container, { memory, memorySwap });
  },
  /** What is used by now may be more than the old limit: only a stop gives it back. */
  async undo({ container }, { running, ...wanted }, host) {
    const found = await needContainer(host, container);
    if (!isSame(limitsOf(found), wanted)) {
      try {
        await host.change.docker.updateMemory(container, wanted);
      } catch (error) {
        const inUse = error instanceof ProblemsError && error.code === 'engine-refused' && found.state.running;
        if (!inUse || found.autoRemove) throw error;
        await host.change.docker.stop(container, { timeoutSeconds: 120 });
        await host.change.docker.updateMemory(container, wanted);
      }
    }
    if (running) await host.change.docker.start(container);
  },
  async isUndone({ container }, { running, ...wanted }, host) {
    const found = await needContainer(host, container);
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

/** All limits together stay within the machine's memory without 2 GiB, or 15 %, of its own. PGOPS §6.3. */
async function refuseBeyondBudget({ id, name }: Container, memory: number, host: ReadonlyHost): Promise<void> {
  const [{ memoryBytes }, containers] = await Promise.all([host.docker.info(), host.docker.containers()]);
  const others = containers
    .filter((one) => one.id !== id && one.state.running)
    .reduce((sum, one) => sum + one.memory, 0);
  const left = memoryBytes - Math.max(2 * 2 ** 30, 0.15 * memoryBytes) - others;
  if (memory > left)
    throw new ProblemsError(
      'step-refused',
      `The machine can promise ${mebibytes(Math.max(0, Math.floor(left)))} to ${name} beside the limits of the others, not ${mebibytes(memory)}.`,
    );
}

function limitsOf({ memory, inspect }: Container): Limits {
  return { memory, memorySwap: numberAt(inspect, 'HostConfig', 'MemorySwap') };
}

function mebibytes(amount: number): string {
  return amount === 0 ? 'none' : `${Math.round(amount / 2 ** 20)} MiB`;
}
