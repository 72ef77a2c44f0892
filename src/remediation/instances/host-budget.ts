import type { Container } from '../../host/docker/types.ts';
import type { Instance } from '../../host/instance.ts';
import { type HostBudget, hostBudget, shareOfUnlimited, type TuningFacts } from '../../postgres/tuning/index.ts';
import type { ReadonlyHost } from '../contract.ts';

/** A container whose limit counts against the machine's memory. */
export interface MemoryMember {
  readonly container: Container;
  /** Undefined of one that is no PostgreSQL. */
  readonly instance: Instance | undefined;
}

export interface MachineMemory {
  /** Bytes, all that the machine has. */
  readonly memoryBytes: number;
  /** As the engine gives its containers: sorted by name. */
  readonly members: readonly MemoryMember[];
}

/**
 * The containers that are promised memory of the machine: those that run, and instances that do not, since they may be
 * started at any time. All of the engine's, also where only some are looked at; our own short-lived helpers are left
 * out. PGOPS §6.3.
 */
export async function machineMemory(host: ReadonlyHost): Promise<MachineMemory> {
  const [{ memoryBytes }, containers, instances] = await Promise.all([
    host.docker.info(),
    host.docker.containers(),
    host.instances({ all: true }),
  ]);
  const byId = new Map(instances.map((instance) => [instance.container.id, instance]));
  return {
    memoryBytes,
    members: containers
      .filter(({ id, state, helper }) => byId.has(id) || (state.running && helper !== true))
      .map((container) => ({ container, instance: byId.get(container.id) })),
  };
}

/**
 * What is promised to them, and what is left. `worstCases`, by container id: what those without a limit may come to need,
 * where that is to count too. Default: limits alone.
 */
export function budgetOf(
  { memoryBytes, members }: MachineMemory,
  worstCases: ReadonlyMap<string, number> = new Map(),
): HostBudget {
  return hostBudget(
    memoryBytes,
    members.map(({ container: { id, name, memory } }) => {
      const worstCase = worstCases.get(id);
      return { name, limit: memory, ...(worstCase === undefined ? {} : { worstCase }) };
    }),
  );
}

/** The highest limit that the machine can promise to a container beside those of all others. Bytes, never negative. */
export async function promisableTo({ id }: Pick<Container, 'id'>, host: ReadonlyHost): Promise<number> {
  const { memoryBytes, members } = await machineMemory(host);
  const others = members.filter(({ container }) => container.id !== id);
  return Math.max(0, Math.floor(budgetOf({ memoryBytes, members: others }).left));
}

/** The limit of a container; without one a fair share of the machine, or all of it where nobody else is there. Bytes. */
export async function memoryFor(
  { id, memory: limit }: Pick<Container, 'id' | 'memory'>,
  host: ReadonlyHost,
): Promise<{ readonly bytes: number; readonly is: TuningFacts['memoryIs'] }> {
  if (limit > 0) return { bytes: limit, is: 'limit' };
  const machine = await machineMemory(host);
  if (machine.members.every(({ container }) => container.id === id))
    return { bytes: machine.memoryBytes, is: 'machine' };
  const budget = budgetOf(machine);
  return { bytes: shareOfUnlimited(budget, budget.promised), is: 'share' };
}
