import type { Container, EngineInfo } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import { type HostBudget, readableSize } from '../../../postgres/tuning/index.ts';
import type { Evidence, ReadonlyHost } from '../../contract.ts';
import { runs } from '../../instances/first-answer.ts';
import { budgetOf, machineMemory } from '../../instances/host-budget.ts';
import { serverMemory } from './facts.ts';
import type { MemorySettings } from './settings.ts';

export interface HostTrouble {
  readonly instance: Instance;
  readonly kind: 'no-limit' | 'host-overcommitted';
  readonly summary: string;
  readonly evidence: readonly Evidence[];
}

/** What no instance has done wrong by itself. More promised than there is, is told once: of the one promised most. */
export async function hostTroubles(
  instances: readonly Instance[],
  { cpus }: Pick<EngineInfo, 'cpus'>,
  settings: MemorySettings,
  host: ReadonlyHost,
): Promise<readonly HostTrouble[]> {
  const running = instances.filter(runs);
  const machine = await machineMemory(host);
  const limited = machine.members.map(({ container }) => container).filter(({ memory }) => memory > 0);
  const promised = budgetOf(machine);
  const [largest] = running
    .filter(({ container }) => container.memory > 0)
    .sort((a, b) => b.container.memory - a.container.memory || (a.name < b.name ? -1 : 1));
  if (!promised.within && largest !== undefined) return [overcommitted(largest, promised, limited)];
  const unlimited = running.filter(({ container }) => container.memory === 0);
  if (!mayBeTrouble(settings, limited.length, unlimited.length)) return [];
  const worstCases = new Map(
    await Promise.all(
      unlimited.map(async (instance) => {
        const { container } = instance;
        const { worstCase } = await serverMemory(instance, true, container.cpus || cpus, host);
        return [container.id, worstCase.total] as const;
      }),
    ),
  );
  const all = budgetOf(machine, worstCases);
  if (settings.noLimit === 'when-overcommitted' && all.within) return [];
  return unlimited.map((instance) => withoutLimit(instance, worstCases.get(instance.container.id) ?? 0, all));
}

/**
 * A missing limit is no trouble where nobody keeps a budget: who gives limits to some of the containers of a machine has
 * promised them memory that those without one can take away. Then it is one as soon as not everything fits.
 */
export function mayBeTrouble(
  { noLimit }: Pick<MemorySettings, 'noLimit'>,
  limited: number,
  unlimited: number,
): boolean {
  if (noLimit === 'never' || unlimited === 0) return false;
  return noLimit === 'always' || limited > 0;
}

function overcommitted(
  instance: Instance,
  { promised, budget }: HostBudget,
  limited: readonly Pick<Container, 'name' | 'memory'>[],
): HostTrouble {
  return {
    instance,
    kind: 'host-overcommitted',
    summary: `The memory limits of all containers are ${readableSize(promised)}, and the machine has ${readableSize(budget)} to promise; ${instance.name} was promised most.`,
    evidence: limited.map(({ name, memory }) => ({
      type: 'docker',
      object: name,
      field: 'HostConfig.Memory',
      value: memory,
    })),
  };
}

function withoutLimit(instance: Instance, worstCase: number, { memory, budget, promised }: HostBudget): HostTrouble {
  return {
    instance,
    kind: 'no-limit',
    summary: `${instance.name} has no memory limit, and may come to need ${readableSize(worstCase)}; all that is promised and may be needed is ${readableSize(promised)}, and the machine has ${readableSize(budget)} for it.`,
    evidence: [
      { type: 'docker', object: instance.container.name, field: 'HostConfig.Memory', value: 0 },
      { type: 'docker', object: 'engine', field: 'MemTotal', value: memory },
    ],
  };
}
