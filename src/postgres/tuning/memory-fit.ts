import { floorTo, GiB, kiB, MiB } from '../sizes.ts';
import { walBuffersFor } from './pgtune.ts';

/** What determines how much memory an instance may need. Sizes in bytes. */
export interface MemoryFacts {
  /** CPUs of the quota, fractions included; of the machine if there is no quota. */
  readonly cpus: number;
  /** Shared memory without any connection: measured, or `sharedMemoryOf`. */
  readonly sharedMemory: number;
  readonly workMem: number;
  /** 2 from PostgreSQL 15 on, 1 before. */
  readonly hashMemMultiplier: number;
  readonly maintenanceWorkMem: number;
  /** Undefined as `-1`: maintenance_work_mem. */
  readonly autovacuumWorkMem: number | undefined;
  readonly autovacuumMaxWorkers: number;
  /** The 95th percentile of RssAnon of this instance's backends; undefined if it was not measured. */
  readonly perBackend: number | undefined;
}

/** The worst case in bytes, and its parts. */
export interface WorstCase {
  readonly total: number;
  readonly sharedMemory: number;
  /** Sorts and hashes of all active connections. */
  readonly work: number;
  /** VACUUM, manual and by autovacuum. */
  readonly maintenance: number;
  /** All that is in no other part. */
  readonly reserve: number;
  /** Private memory of the backends, and the shared memory of their slots. */
  readonly backends: number;
  /** How many connections are assumed to be active at once. */
  readonly active: number;
}

/** What the server needs besides the other parts: docs/engineering/memory.md#worst-case. */
const fixedReserve = 64 * MiB;

/** Shared memory of a connection slot. */
const perSlot = 0.05 * MiB;

const leastPerBackend = 5 * MiB;

const unmeasuredPerBackend = 10 * MiB;

/** Allows for more than one sort or hash in a query. */
const perQuery = 1.5;

/** The part of the limit that may be used. The rest is for the page cache. */
export const usableShare = 0.8;

/**
 * All at once: all connections used, four active per CPU, autovacuum busy, and a manual VACUUM.
 * See docs/engineering/memory.md#worst-case and docs/engineering/memory.md#host-budget.
 */
export function worstCaseOf(facts: MemoryFacts, connections: number): WorstCase {
  const active = Math.min(connections, activeAtMost(facts));
  const work = active * workOfOne(facts);
  const maintenance =
    facts.autovacuumMaxWorkers * (facts.autovacuumWorkMem ?? facts.maintenanceWorkMem) + facts.maintenanceWorkMem;
  const backends = connections * costOfOne(facts);
  const total = Math.ceil(facts.sharedMemory + work + maintenance + fixedReserve + backends);
  return { total, sharedMemory: facts.sharedMemory, work, maintenance, reserve: fixedReserve, backends, active };
}

/** How many connections are active at once at most. */
function activeAtMost({ cpus }: Pick<MemoryFacts, 'cpus'>): number {
  return Math.max(1, Math.ceil(4 * cpus));
}

/** Bytes that an active connection may use for sorts and hashes. */
function workOfOne({ workMem, hashMemMultiplier }: Pick<MemoryFacts, 'workMem' | 'hashMemMultiplier'>): number {
  return workMem * hashMemMultiplier * perQuery;
}

/** Bytes that a connection uses even if it is idle. */
function costOfOne({ perBackend }: Pick<MemoryFacts, 'perBackend'>): number {
  return (perBackend === undefined ? unmeasuredPerBackend : Math.max(perBackend, leastPerBackend)) + perSlot;
}

/**
 * What `postgres -C shared_memory_size` prints without connections, to within a few MB: the buffers with their descriptors,
 * wal_buffers (1/32 of the buffers by default) and a fixed part. From the measurements of
 * docs/engineering/memory.md#cost-of-a-connection for 128 MB and 1 GB.
 */
export function sharedMemoryOf(sharedBuffers: number, walBuffers?: number): number {
  const wal = walBuffers ?? Math.min(16 * MiB, Math.max(64 * kiB, sharedBuffers / 32));
  return Math.ceil(sharedBuffers * 1.0257 + wal + 2.7 * MiB);
}

/** Memory that the machine keeps for itself: 2 GiB or 15%. See docs/engineering/memory.md#host-budget. */
export function hostReserve(memory: number): number {
  return Math.max(2 * GiB, Math.ceil(memory * 0.15));
}

/** A container's claim on the memory of the machine. */
interface BudgetMember {
  readonly name: string;
  /** Bytes; 0: no limit. */
  readonly limit: number;
  /** Bytes that it may need, if known; counted for a container without a limit. */
  readonly worstCase?: number;
}

export interface HostBudget {
  /** All memory of the machine, in bytes. */
  readonly memory: number;
  /** Kept for the machine: 2 GiB or 15%. */
  readonly reserve: number;
  /** What containers may use together. */
  readonly budget: number;
  /** The limits of all members, and the worst case of those without a limit. */
  readonly promised: number;
  /** Negative: the limits exceed the memory. */
  readonly left: number;
  readonly within: boolean;
  /** Names of members without a limit, in the given order. */
  readonly unlimited: readonly string[];
}

/** Whether the limits of all containers fit into the machine. See docs/engineering/memory.md#host-budget. */
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
 * The share of an instance without a limit: an equal part, with all others without a limit, of what the limits leave. Bytes,
 * in whole MiB.
 */
export function shareOfUnlimited({ budget, unlimited }: HostBudget, limits: number): number {
  return Math.max(0, floorTo((budget - limits) / Math.max(1, unlimited.length), MiB));
}

export interface InstanceBudget {
  /** Bytes: 80% of the limit. */
  readonly usable: number;
  readonly worstCase: number;
  /** What does not fit; empty if it fits. */
  readonly over: readonly ('worst-case' | 'shared-buffers' | 'limit')[];
}

/**
 * Whether an instance fits into its limit: the worst case into 80%, shared_buffers into 25%. `limit`: it has no limit.
 * See docs/engineering/memory.md#host-budget.
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

export interface Ceiling {
  /** How many connections fit; may be 0. */
  readonly connections: number;
  /** Bytes that may be used: 80% of the limit. */
  readonly budget: number;
  /** The worst case for that many connections. */
  readonly terms: WorstCase;
}

/**
 * The most connections whose worst case stays within 80% of `memory` (the container's limit, or its share of the
 * machine; bytes). For more clients, use a pooler.
 * See docs/engineering/memory.md#connection-ceiling.
 */
export function connectionCeiling(facts: MemoryFacts & { readonly memory: number }): Ceiling {
  const budget = Math.floor(facts.memory * usableShare);
  const idle = worstCaseOf(facts, 0);
  const left = budget - facts.sharedMemory - idle.maintenance - fixedReserve;
  const active = activeAtMost(facts);
  const withAllActive = Math.floor((left - active * workOfOne(facts)) / costOfOne(facts));
  // With so few connections, all may be active at once.
  const whereEachWorks = Math.floor(left / (costOfOne(facts) + workOfOne(facts)));
  const connections = Math.max(0, withAllActive >= active ? withAllActive : Math.min(whereEachWorks, active));
  return { connections, budget, terms: worstCaseOf(facts, connections) };
}

/** The settings that make up the worst case. Sizes in bytes. */
export interface MemorySettings {
  readonly connections: number;
  readonly sharedBuffers: number;
  readonly workMem: number;
  readonly maintenanceWorkMem: number;
  readonly autovacuumWorkMem: number;
}

/** Facts that are not settings. */
export type Surroundings = Pick<MemoryFacts, 'cpus' | 'hashMemMultiplier' | 'autovacuumMaxWorkers' | 'perBackend'> & {
  /** The container's limit, or its share of the machine: bytes. */
  readonly memory: number;
};

export interface Fitted {
  readonly settings: MemorySettings;
  readonly worstCase: WorstCase;
  /** Whether the worst case stays within 80% of the memory. */
  readonly fits: boolean;
}

/** Connections are not reduced below this for memory settings, since a server for fewer is of little use. */
const fewConnections = 20;

/** Three of them are reserved for superusers. */
const fewestConnections = 10;

/** The worst case of the settings without changes. */
export function asStated(settings: MemorySettings, surroundings: Surroundings): Fitted {
  const found = worstCaseOf(factsOf(settings, surroundings), settings.connections);
  return { settings, worstCase: found, fits: found.total <= Math.floor(surroundings.memory * usableShare) };
}

/**
 * Reduces the settings until they fit into 80% of the memory, and no further, the least important first:
 * autovacuum's memory; connections, down to 20, before work_mem
 * (docs/engineering/pgtune.md#corrections-for-containers); maintenance_work_mem; work_mem down to 1 MB; shared_buffers
 * down to 1/16 of the memory; work_mem down to 64 kB; connections down to 10; what VACUUM has, to 1 MB. A number of connections
 * that was `asked` for is kept if reducing VACUUM's memory and work_mem suffices; otherwise a pooler is needed.
 */
export function fit(settings: MemorySettings, surroundings: Surroundings, asked: boolean): Fitted {
  if (asked) {
    const kept = reduce(settings, surroundings, [autovacuumStep(), maintenanceStep(), workMemStep(MiB)]);
    if (kept.fits) return kept;
  }
  return reduce(settings, surroundings, [
    autovacuumStep(),
    connectionsStep(fewConnections),
    maintenanceStep(),
    workMemStep(MiB),
    sharedBuffersStep,
    workMemStep(64 * kiB),
    connectionsStep(fewestConnections),
    autovacuumStep(MiB),
    maintenanceStep(MiB),
  ]);
}

/** `over`: bytes in excess. */
type Step = (settings: MemorySettings, surroundings: Surroundings, over: number) => MemorySettings;

function reduce(settings: MemorySettings, surroundings: Surroundings, steps: readonly Step[]): Fitted {
  const usable = Math.floor(surroundings.memory * usableShare);
  let now = asStated(settings, surroundings);
  for (const step of steps) {
    if (now.fits) break;
    now = asStated(step(now.settings, surroundings, now.worstCase.total - usable), surroundings);
  }
  return now;
}

/** Default of `least`: 16 MB, or 1/64 of the memory if that is less. With less, VACUUM reads indexes repeatedly. */
function autovacuumStep(least?: number): Step {
  return (settings, { memory, autovacuumMaxWorkers }, over) => {
    const { autovacuumWorkMem: now } = settings;
    const floor = least ?? leastMaintenance(memory);
    return { ...settings, autovacuumWorkMem: lowered(now, over / autovacuumMaxWorkers, floor, MiB) };
  };
}

function maintenanceStep(least?: number): Step {
  return (settings, { memory }, over) => {
    const { maintenanceWorkMem: now } = settings;
    return { ...settings, maintenanceWorkMem: lowered(now, over, least ?? leastMaintenance(memory), MiB) };
  };
}

function leastMaintenance(memory: number): number {
  return Math.max(MiB, floorTo(Math.min(16 * MiB, memory / 64), MiB));
}

function connectionsStep(least: number): Step {
  return (settings, surroundings) => {
    const ceiling = connectionCeiling({ ...factsOf(settings, surroundings), memory: surroundings.memory });
    const wanted = Math.max(ceiling.connections, Math.min(least, settings.connections));
    return { ...settings, connections: Math.min(settings.connections, wanted) };
  };
}

function workMemStep(least: number): Step {
  return (settings, { cpus, hashMemMultiplier }, over) => {
    const active = Math.min(settings.connections, activeAtMost({ cpus }));
    const each = over / (active * workOfOne({ workMem: 1, hashMemMultiplier }));
    return { ...settings, workMem: lowered(settings.workMem, each, least, kiB) };
  };
}

function sharedBuffersStep(settings: MemorySettings, { memory }: Surroundings, over: number): MemorySettings {
  const least = Math.max(MiB, floorTo(memory / 16, MiB));
  return { ...settings, sharedBuffers: lowered(settings.sharedBuffers, over, least, MiB) };
}

/** Reduces by at least `by`, in whole units, but not below `least`, and never increases. */
function lowered(now: number, by: number, least: number, unit: number): number {
  return Math.min(now, Math.max(least, floorTo(now - by, unit)));
}

export function factsOf(settings: MemorySettings, surroundings: Surroundings): MemoryFacts {
  const { cpus, hashMemMultiplier, autovacuumMaxWorkers, perBackend } = surroundings;
  const { sharedBuffers, workMem, maintenanceWorkMem, autovacuumWorkMem } = settings;
  return {
    cpus,
    hashMemMultiplier,
    autovacuumMaxWorkers,
    perBackend,
    workMem,
    maintenanceWorkMem,
    autovacuumWorkMem,
    sharedMemory: sharedMemoryOf(sharedBuffers, walBuffersFor(sharedBuffers)),
  };
}
