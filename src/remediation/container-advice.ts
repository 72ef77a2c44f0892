import type { Container } from '../host/docker/types.ts';
import { amountOf, formatSize, type Recommendation, type TuningFacts } from '../postgres/tuning/index.ts';
import { numberAt } from '../util/json.ts';

/** Something about the container that should be otherwise. */
export interface ContainerAdvice {
  readonly name: 'memory' | 'memory-swap' | 'shm-size';
  /** `none`, `unlimited` or a size as PostgreSQL writes it. */
  readonly current: string;
  readonly recommended: string;
  readonly reason: string;
}

const MiB = 2 ** 20;

/** What no setting of the server can mend: PGOPS §6.3 and §6.4. */
export function containerAdvice(
  { memory, shmSize, inspect }: Pick<Container, 'memory' | 'shmSize' | 'inspect'>,
  facts: TuningFacts,
  { advice }: Recommendation,
): readonly ContainerAdvice[] {
  const memorySwap = numberAt(inspect, 'HostConfig', 'MemorySwap');
  const found: ContainerAdvice[] = [];
  if (memory === 0 && facts.memoryIs === 'share' && facts.memory > 0) {
    found.push({
      name: 'memory',
      current: 'none',
      recommended: formatSize(facts.memory),
      reason: 'without a limit it can take what the others were promised: this is its equal part of what they leave',
    });
  }
  if (memory > 0 && memorySwap !== memory) {
    found.push({
      name: 'memory-swap',
      current: memorySwap > 0 ? formatSize(memorySwap) : 'unlimited',
      recommended: formatSize(memory),
      reason: 'equal to the memory limit it forbids swap, in which a database stands still',
    });
  }
  const needed = sharedForParallelQueries(facts, advice);
  if (shmSize > 0 && needed > shmSize) {
    found.push({
      name: 'shm-size',
      current: formatSize(shmSize),
      recommended: formatSize(needed),
      reason:
        'hashes of parallel queries lie in /dev/shm and fail when it is full; max_parallel_workers_per_gather = 0 keeps them out of it',
    });
  }
  return found;
}

/**
 * Bytes for two parallel hash joins at once, between 256 MB and 1 GB but within a quarter of the memory; 0 where less
 * than Docker's own 64 MB would do.
 */
function sharedForParallelQueries(facts: TuningFacts, advice: Recommendation['advice']): number {
  const workers = amountOf(advice, 'max_parallel_workers_per_gather') ?? 2;
  const workMem = amountOf(advice, 'work_mem') ?? 0;
  const needed = workMem * facts.hashMemMultiplier * (workers + 1) * 2;
  if (needed <= 64 * MiB) return 0;
  const within = Math.min(Math.max(needed, 256 * MiB), 1024 * MiB, facts.memory / 4);
  return Math.floor(within / MiB) * MiB;
}
