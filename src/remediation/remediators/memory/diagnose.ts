import { compareText } from '../../../util/compare.ts';
import type { Container, EngineInfo } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import { type HostBudget, readableSize, usableShare } from '../../../postgres/tuning/index.ts';
import type { Evidence, ReadonlyHost } from '../../contract.ts';
import { isRunning } from '../../shared/availability.ts';
import { budgetOf, machineMemory } from '../../shared/memory.ts';
import { type MemorySettings, type Observation, serverMemory, type Condition } from './types.ts';

/** What keeps it from running first, then what kills it, then what will. See docs/engineering/memory.md#oom-signals. */
export function diagnose(seen: Observation): Condition | undefined {
  const { limit, memory, running, signs } = seen;
  const has = (sign: string): boolean => signs.some((one) => one.sign === sign);
  const cause = fillsLimit(seen) ? 'shared-buffers' : 'work';
  if (!running && has('start-refused')) return { kind: 'start-refused', cause: 'shared-buffers' };
  if (!running && limit > 0 && wasKilledRecovering(seen)) return { kind: 'oom-in-recovery', cause };
  if (limit > 0 && (running ? wasKilled(seen) : endedByKill(seen))) return { kind: 'oom-killed', cause };
  // One that somebody has stopped is in no danger, and is not started for what may become of it.
  if (limit > 0 && running && memory !== undefined) {
    if (cause === 'shared-buffers') return { kind: 'shared-buffers-over-limit', cause };
    if (memory.worstCase.total > limit) return { kind: 'worst-case-over-limit', cause };
  }
  // With no parallel query there is nobody who would ask for it.
  if (running && has('shm-full') && memory?.parallelWorkersPerGather !== 0) return { kind: 'shm-too-small', cause };
  return undefined;
}

/** The buffers alone leave less than a fifth: they are not charged before they are touched, so the start succeeds. */
function fillsLimit({ limit, memory }: Observation): boolean {
  return limit > 0 && memory !== undefined && memory.facts.sharedMemory > usableShare * limit;
}

/** Signal 9 can be a person's: the engine's word, or a second time at the same place, makes it the kernel's. */
function wasKilledRecovering({ events, oomKilled, signs }: Observation): boolean {
  const killed = signs.filter(({ sign }) => sign === 'startup-killed').length;
  if (killed > 1) return true;
  return (events.length > 0 || oomKilled) && (killed > 0 || signs.some(({ sign }) => sign === 'recovering'));
}

/** The kernel took the first process of the container, and nobody started it again. */
function endedByKill({ oomKilled, exitCode }: Observation): boolean {
  return oomKilled && exitCode === 137;
}

/**
 * The counter begins anew with each start of the container, and a limit that was raised since lies above all that was
 * ever used: then the kill is an old story.
 */
function wasKilled({ use, limit, signs }: Observation): boolean {
  if (use === undefined || use.oomKills === 0) return false;
  const atThisLimit = use.peak === 0 || use.peak >= 0.98 * limit;
  return atThisLimit && signs.some(({ sign }) => sign === 'child-killed' || sign === 'startup-killed');
}

export interface HostCondition {
  readonly instance: Instance;
  readonly kind: 'no-limit' | 'host-overcommitted';
  readonly summary: string;
  readonly evidence: readonly Evidence[];
}

/** What no instance has done wrong by itself. More promised than there is, is told once: of the one promised most. */
export async function hostConditions(
  instances: readonly Instance[],
  { cpus }: Pick<EngineInfo, 'cpus'>,
  settings: MemorySettings,
  host: ReadonlyHost,
): Promise<readonly HostCondition[]> {
  const running = instances.filter(isRunning);
  const machine = await machineMemory(host);
  const limited = machine.members.map(({ container }) => container).filter(({ memory }) => memory > 0);
  const promised = budgetOf(machine);
  const [largest] = running
    .filter(({ container }) => container.memory > 0)
    .sort((a, b) => b.container.memory - a.container.memory || compareText(a.name, b.name));
  if (!promised.within && largest !== undefined) return [overcommitted(largest, promised, limited)];
  const unlimited = running.filter(({ container }) => container.memory === 0);
  if (!checksMissingLimits(settings, limited.length, unlimited.length)) return [];
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
export function checksMissingLimits(
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
): HostCondition {
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

function withoutLimit(instance: Instance, worstCase: number, { memory, budget, promised }: HostBudget): HostCondition {
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
