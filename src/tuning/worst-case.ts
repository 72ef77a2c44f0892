import { GiB, kiB, MiB } from '../postgres/sizes.ts';

/** What decides how much memory an instance can come to need. Sizes in bytes. */
export interface MemoryFacts {
  /** CPUs of the quota, fractions too; of the machine where there is none. */
  readonly cpus: number;
  /** Shared memory without any connection: measured, or `sharedMemoryOf`. */
  readonly sharedMemory: number;
  readonly workMem: number;
  /** 2 from PostgreSQL 15, 1 before. */
  readonly hashMemMultiplier: number;
  readonly maintenanceWorkMem: number;
  /** Undefined as `-1`: maintenance_work_mem. */
  readonly autovacuumWorkMem: number | undefined;
  readonly autovacuumMaxWorkers: number;
  /** The 95th percentile of RssAnon over this instance's backends; undefined where it was not measured. */
  readonly perBackend: number | undefined;
}

/** Bytes, and how they came about. */
export interface WorstCase {
  readonly total: number;
  readonly sharedMemory: number;
  /** Sorts and hashes of those who work at once. */
  readonly work: number;
  /** VACUUM, by hand and by autovacuum. */
  readonly maintenance: number;
  /** For everything that has no term of its own. */
  readonly reserve: number;
  /** Private memory of the backends, with what a slot costs of shared memory. */
  readonly backends: number;
  /** How many are taken to work at once. */
  readonly active: number;
}

/** PGOPS §2.4: what the server needs beside what is reckoned here. */
export const reserve = 64 * MiB;
/** What a slot costs of shared memory. */
const perSlot = 0.05 * MiB;
const leastPerBackend = 5 * MiB;
const unmeasuredPerBackend = 10 * MiB;
/** More than one sort or hash in a query. */
const perQuery = 1.5;
/** Of the limit: the rest is page cache, without which everything is slow. */
export const usableShare = 0.8;

/**
 * Everything at once: every connection taken, four working on each CPU, autovacuum busy and a VACUUM by hand.
 * PGOPS §2.4 and §6.3.
 */
export function worstCase(facts: MemoryFacts, connections: number): WorstCase {
  const active = Math.min(connections, activeAtMost(facts));
  const work = active * workOfOne(facts);
  const maintenance =
    facts.autovacuumMaxWorkers * (facts.autovacuumWorkMem ?? facts.maintenanceWorkMem) + facts.maintenanceWorkMem;
  const backends = connections * costOfOne(facts);
  const total = Math.ceil(facts.sharedMemory + work + maintenance + reserve + backends);
  return { total, sharedMemory: facts.sharedMemory, work, maintenance, reserve, backends, active };
}

/** How many work at once at the most, however many are connected. */
export function activeAtMost({ cpus }: Pick<MemoryFacts, 'cpus'>): number {
  return Math.max(1, Math.ceil(4 * cpus));
}

/** Bytes that one connection may take for its sorts and hashes. */
export function workOfOne({ workMem, hashMemMultiplier }: Pick<MemoryFacts, 'workMem' | 'hashMemMultiplier'>): number {
  return workMem * hashMemMultiplier * perQuery;
}

/** Bytes that one connection costs whether it works or not. */
export function costOfOne({ perBackend }: Pick<MemoryFacts, 'perBackend'>): number {
  return (perBackend === undefined ? unmeasuredPerBackend : Math.max(perBackend, leastPerBackend)) + perSlot;
}

/**
 * What `postgres -C shared_memory_size` says without connections, to within a few MB: the buffers with their
 * descriptors, wal_buffers (1/32 of the buffers where nothing sets it) and what every server has. Measured figures of
 * PGOPS §2.4 for 128 MB and 1 GB.
 */
export function sharedMemoryOf(sharedBuffers: number, walBuffers?: number): number {
  const wal = walBuffers ?? Math.min(16 * MiB, Math.max(64 * kiB, sharedBuffers / 32));
  return Math.ceil(sharedBuffers * 1.0257 + wal + 2.7 * MiB);
}

/** Of what the machine has, for containers: 2 GiB or 15 % are its own. PGOPS §6.3. */
export function hostReserve(memory: number): number {
  return Math.max(2 * GiB, Math.ceil(memory * 0.15));
}
