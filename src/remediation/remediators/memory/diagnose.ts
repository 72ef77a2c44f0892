import { compareText } from '../../../util/compare.ts';
import type { Container, EngineInfo } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import { type HostBudget, readableSize, usableShare } from '../../../postgres/tuning/index.ts';
import type { Evidence, ReadonlyHost } from '../../contract.ts';
import { isRunning } from '../../shared/availability.ts';
import { budgetOf, machineMemory } from '../../shared/memory.ts';
import { heldMemory, type MemorySettings, type Observation, serverMemory, type Condition } from './types.ts';

/**
 * In order: what prevents a start, what kills it, what will kill it. See docs/engineering/memory.md#oom-signals. A worst case
 * above the limit alone is not a finding, since it rarely happens: docs/engineering/memory.md#worst-case-and-use.
 */
export function diagnose(seen: Observation): Condition | undefined {
  const { limit, memory, running, signs } = seen;
  const has = (sign: string): boolean => signs.some((one) => one.sign === sign);
  const cause = fillsLimit(seen) ? 'shared-buffers' : 'work';
  if (!running && has('start-refused')) return { kind: 'start-refused', cause: 'shared-buffers' };
  if (!running && limit > 0 && wasKilledRecovering(seen)) return { kind: 'oom-in-recovery', cause };
  if (limit > 0 && (running ? wasKilled(seen) : endedByKill(seen))) return { kind: 'oom-killed', cause };
  // A stopped instance is in no danger, and is not started for a risk.
  if (limit > 0 && running && memory !== undefined) {
    const near = isNearLimit(seen);
    if (cause === 'shared-buffers' && (near || memory.sharedBuffers > usualBuffers))
      return { kind: 'shared-buffers-over-limit', cause };
    if (near && memory.worstCase.total > limit) return { kind: 'worst-case-over-limit', cause: 'work' };
  }
  // Without parallel queries nothing uses it.
  if (running && has('shm-full') && memory?.parallelWorkersPerGather !== 0) return { kind: 'shm-too-small', cause };
  return undefined;
}

/** The buffers alone use more than four fifths. They are charged only when touched, so the start still succeeds. */
function fillsLimit({ limit, memory }: Observation): boolean {
  return limit > 0 && memory !== undefined && memory.facts.sharedMemory > usableShare * limit;
}

/** What `initdb` writes if the machine allows it. A larger value was chosen, and is expected to be used. */
const usualBuffers = 128 * 2 ** 20;

/** Memory that the kernel cannot take back is above the usable share of the limit. File cache does not count. */
function isNearLimit({ use, limit }: Observation): boolean {
  return use !== undefined && heldMemory(use) >= usableShare * limit;
}

/** A user may have sent signal 9. An OOM event of the engine, or a second kill at the same point, proves the kernel. */
function wasKilledRecovering({ events, oomKilled, signs }: Observation): boolean {
  const killed = signs.filter(({ sign }) => sign === 'startup-killed').length;
  if (killed > 1) return true;
  return (events.length > 0 || oomKilled) && (killed > 0 || signs.some(({ sign }) => sign === 'recovering'));
}

/** The kernel killed the first process of the container, which was not restarted. */
function endedByKill({ oomKilled, exitCode }: Observation): boolean {
  return oomKilled && exitCode === 137;
}

/**
 * The counter restarts with each start of the container. A limit raised since is above the peak, so an old kill no longer
 * counts.
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

/** Findings about the machine, not a single instance. Overcommitment is reported once, for the highest limit. */
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
 * A missing limit is only a problem on a machine where other containers have limits: they were promised memory that a
 * container without one can take away. It is a finding as soon as not everything fits.
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
    summary: `The memory limits of all containers add up to ${readableSize(promised)}, but the budget of the machine is ${readableSize(budget)}; ${instance.name} has the highest limit.`,
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
    summary: `${instance.name} has no memory limit and may need ${readableSize(worstCase)} in the worst case; limits and worst cases add up to ${readableSize(promised)}, but the budget of the machine is ${readableSize(budget)}.`,
    evidence: [
      { type: 'docker', object: instance.container.name, field: 'HostConfig.Memory', value: 0 },
      { type: 'docker', object: 'engine', field: 'MemTotal', value: memory },
    ],
  };
}
