import { describe, expect, it } from 'vitest';
import { containerAdvice } from '../../src/app/tune.ts';
import { recommend, type TuningFacts } from '../../src/postgres/tuning/index.ts';

const MiB = 2 ** 20;
const GiB = 2 ** 30;

const facts: TuningFacts = {
  profile: 'oltp',
  disk: 'ssd',
  major: 17,
  memory: 16 * GiB,
  memoryIs: 'limit',
  cpus: 8,
  walNeededBy: [],
  perBackend: undefined,
  hashMemMultiplier: 2,
};

function adviceOf(container: { memory: number; shmSize: number; swap: number }, change: Partial<TuningFacts> = {}) {
  const all = { ...facts, ...change };
  const { memory, shmSize, swap } = container;
  const inspect = { HostConfig: { MemorySwap: swap } };
  return containerAdvice({ memory, shmSize, inspect }, all, recommend(all)).map(({ name, current, recommended }) => [
    name,
    current,
    recommended,
  ]);
}

describe('advice on changes that need a new container', () => {
  it('is empty if limit, swap and /dev/shm are right', () => {
    expect(adviceOf({ memory: 16 * GiB, shmSize: 512 * MiB, swap: 16 * GiB })).toEqual([]);
  });

  it('covers swap beyond the limit, in any notation', () => {
    expect(adviceOf({ memory: 16 * GiB, shmSize: GiB, swap: 32 * GiB })).toEqual([['memory-swap', '32GB', '16GB']]);
    expect(adviceOf({ memory: 16 * GiB, shmSize: GiB, swap: -1 })).toEqual([['memory-swap', 'unlimited', '16GB']]);
  });

  it('covers a /dev/shm too small for two parallel hash joins, within a quarter of the memory', () => {
    // 13,617 kB of work_mem, hashes twice that, five processes, two queries.
    expect(adviceOf({ memory: 16 * GiB, shmSize: 64 * MiB, swap: 16 * GiB })).toEqual([['shm-size', '64MB', '265MB']]);
    const small = { memory: 512 * MiB, memoryIs: 'limit', cpus: 1, profile: 'web' } as const;
    expect(adviceOf({ memory: 512 * MiB, shmSize: 64 * MiB, swap: 512 * MiB }, small)).toEqual([]);
  });

  it('covers a missing limit if other containers share the machine, and not otherwise', () => {
    const free = { memory: 0, shmSize: GiB, swap: 0 };
    expect(adviceOf(free, { memoryIs: 'share', memory: 4 * GiB, cpus: 2 })).toEqual([['memory', 'none', '4GB']]);
    expect(adviceOf(free, { memoryIs: 'share', memory: 0, cpus: 2 })).toEqual([]);
    expect(adviceOf(free, { memoryIs: 'machine' })).toEqual([]);
  });
});
