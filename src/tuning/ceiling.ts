import {
  activeAtMost,
  costOfOne,
  type MemoryFacts,
  reserve,
  usableShare,
  type WorstCase,
  workOfOne,
  worstCase,
} from './worst-case.ts';

export interface Ceiling {
  /** How many connections fit; 0 where not even one does. */
  readonly connections: number;
  /** Bytes that may be used: 80 % of the limit. */
  readonly budget: number;
  /** What that many connections need, term by term. */
  readonly terms: WorstCase;
}

/**
 * The most connections whose worst case stays within 80 % of `memory` (the container's limit, or its share of the
 * machine; bytes). More demand than that needs a pooler, not more connections. PGOPS §2.4.
 */
export function connectionCeiling(facts: MemoryFacts & { readonly memory: number }): Ceiling {
  const budget = Math.floor(facts.memory * usableShare);
  const idle = worstCase(facts, 0);
  const left = budget - facts.sharedMemory - idle.maintenance - reserve;
  const active = activeAtMost(facts);
  const withAllActive = Math.floor((left - active * workOfOne(facts)) / costOfOne(facts));
  // Fewer connections than could work at once: each of them works.
  const whereEachWorks = Math.floor(left / (costOfOne(facts) + workOfOne(facts)));
  const connections = Math.max(0, withAllActive >= active ? withAllActive : Math.min(whereEachWorks, active));
  return { connections, budget, terms: worstCase(facts, connections) };
}
