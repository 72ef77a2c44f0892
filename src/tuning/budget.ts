import { floorTo, MiB } from '../postgres/sizes.ts';
import { hostReserve, usableShare } from './worst-case.ts';

/** A container as the machine's memory sees it. */
interface BudgetMember {
  readonly name: string;
  /** Bytes; 0: none. */
  readonly limit: number;
  /** Bytes that it may come to need, where that is known: counted for one without a limit. */
  readonly worstCase?: number;
}

export interface HostBudget {
  /** Bytes, all of them. */
  readonly memory: number;
  /** The machine's own: 2 GiB or 15 %. */
  readonly reserve: number;
  /** What may be promised to containers. */
  readonly budget: number;
  /** The limits of all members, and the worst cases of those without one. */
  readonly promised: number;
  /** Negative: more is promised than there is. */
  readonly left: number;
  readonly within: boolean;
  /** Names of members without a limit, as given. */
  readonly unlimited: readonly string[];
}

/** Whether all that is promised to containers is there. PGOPS §6.3. */
export function hostBudget(memory: number, members: readonly BudgetMember[]): HostBudget {
  const reserve = hostReserve(memory);
  const budget = Math.max(0, memory - reserve);
  const promised = members.reduce((sum, { limit, worstCase = 0 }) => sum + (limit > 0 ? limit : worstCase), 0);
  return {
    memory,
    reserve,
    budget,
    promised,
    left: budget - promised,
    within: promised <= budget,
    unlimited: members.filter(({ limit }) => limit === 0).map(({ name }) => name),
  };
}

/**
 * What an instance without a limit may take for its own: an equal part of what the limits of the others leave, with all
 * that have none. Bytes, whole MiB.
 */
export function shareOfUnlimited({ budget, unlimited }: HostBudget, limits: number): number {
  return Math.max(0, floorTo((budget - limits) / Math.max(1, unlimited.length), MiB));
}

export interface InstanceBudget {
  /** Bytes: 80 % of the limit. */
  readonly usable: number;
  readonly worstCase: number;
  /** What is wrong with it; empty where it fits. */
  readonly over: readonly ('worst-case' | 'shared-buffers' | 'limit')[];
}

/**
 * Whether an instance fits into its limit: its worst case into 80 %, shared_buffers into 25 %. `limit`: it has none.
 * PGOPS §6.3.
 */
export function instanceBudget(of: {
  readonly limit: number;
  readonly worstCase: number;
  readonly sharedBuffers: number;
}): InstanceBudget {
  const usable = Math.floor(of.limit * usableShare);
  if (of.limit === 0) return { usable, worstCase: of.worstCase, over: ['limit'] };
  return {
    usable,
    worstCase: of.worstCase,
    over: [
      ...(of.worstCase > usable ? (['worst-case'] as const) : []),
      ...(of.sharedBuffers > of.limit / 4 ? (['shared-buffers'] as const) : []),
    ],
  };
}
