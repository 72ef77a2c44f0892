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
const before = z.strictObject({ memory: z.int().nonnegative(), memorySwap: z.int() });

/** Only upwards: a limit below what is used kills, and one that was never there could not be taken away again. */
export const containerUpdateMemory: Action<z.output<typeof params>, z.output<typeof before>> = {
  name: 'container.update-memory',
  about: 'Raises the memory limit of a container, live, within what the machine has left.',
  params,
  before,
  operation: 'raise-memory',
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
    return limitsOf(found);
  },
  async isDone({ container, memory, memorySwap }, host) {
    const limits = limitsOf(await needContainer(host, container));
    return limits.memory === memory && limits.memorySwap === memorySwap;
  },
  async apply({ container, memory, memorySwap }, host) {
    await host.change.docker.updateMemory(container, { memory, memorySwap });
  },
  async undo({ container }, wanted, host) {
    const limits = limitsOf(await needContainer(host, container));
    if (limits.memory === wanted.memory && limits.memorySwap === wanted.memorySwap) return;
    await host.change.docker.updateMemory(container, wanted);
  },
  async isUndone({ container }, wanted, host) {
    const limits = limitsOf(await needContainer(host, container));
    return limits.memory === wanted.memory && limits.memorySwap === wanted.memorySwap;
  },
};

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

function limitsOf({ memory, inspect }: Container): z.output<typeof before> {
  return { memory, memorySwap: numberAt(inspect, 'HostConfig', 'MemorySwap') };
}

function mebibytes(amount: number): string {
  return amount === 0 ? 'none' : `${Math.round(amount / 2 ** 20)} MiB`;
}
