import { floorTo, GiB, kiB, MiB } from '../sizes.ts';
import { walBuffersFor } from './pgtune.ts';

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

/** See docs/engineering/memory.md#worst-case: what the server needs beside what is reckoned here. */
const fixedReserve = 64 * MiB;

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

/** How many work at once at the most, however many are connected. */
function activeAtMost({ cpus }: Pick<MemoryFacts, 'cpus'>): number {
  return Math.max(1, Math.ceil(4 * cpus));
}

/** Bytes that one connection may take for its sorts and hashes. */
function workOfOne({ workMem, hashMemMultiplier }: Pick<MemoryFacts, 'workMem' | 'hashMemMultiplier'>): number {
  return workMem * hashMemMultiplier * perQuery;
}

/** Bytes that one connection costs whether it works or not. */
function costOfOne({ perBackend }: Pick<MemoryFacts, 'perBackend'>): number {
  return (perBackend === undefined ? unmeasuredPerBackend : Math.max(perBackend, leastPerBackend)) + perSlot;
}

/**
 * What `postgres -C shared_memory_size` says without connections, to within a few MB: the buffers with their
 * descriptors, wal_buffers (1/32 of the buffers where nothing sets it) and what every server has. Measured figures of
 * docs/engineering/memory.md#cost-of-a-connection for 128 MB and 1 GB.
 */
export function sharedMemoryOf(sharedBuffers: number, walBuffers?: number): number {
  const wal = walBuffers ?? Math.min(16 * MiB, Math.max(64 * kiB, sharedBuffers / 32));
  return Math.ceil(sharedBuffers * 1.0257 + wal + 2.7 * MiB);
}

/** Of what the machine has, for containers: 2 GiB or 15 % are its own. See docs/engineering/memory.md#host-budget. */
export function hostReserve(memory: number): number {
  return Math.max(2 * GiB, Math.ceil(memory * 0.15));
}

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

/** Whether all that is promised to containers is there. See docs/engineering/memory.md#host-budget. */
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
  /** How many connections fit; 0 where not even one does. */
  readonly connections: number;
  /** Bytes that may be used: 80 % of the limit. */
  readonly budget: number;
  /** What that many connections need, term by term. */
  readonly terms: WorstCase;
}

/**
 * The most connections whose worst case stays within 80 % of `memory` (the container's limit, or its share of the
 * machine; bytes). More demand than that needs a pooler, not more connections.
 * See docs/engineering/memory.md#connection-ceiling.
 */
export function connectionCeiling(facts: MemoryFacts & { readonly memory: number }): Ceiling {
  const budget = Math.floor(facts.memory * usableShare);
  const idle = worstCaseOf(facts, 0);
  const left = budget - facts.sharedMemory - idle.maintenance - fixedReserve;
  const active = activeAtMost(facts);
  const withAllActive = Math.floor((left - active * workOfOne(facts)) / costOfOne(facts));
  // Fewer connections than could work at once: each of them works.
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

/** What the settings do not say. */
export type Surroundings = Pick<MemoryFacts, 'cpus' | 'hashMemMultiplier' | 'autovacuumMaxWorkers' | 'perBackend'> & {
  /** The container's limit, or its share of the machine: bytes. */
  readonly memory: number;
};

export interface Fitted {
  readonly settings: MemorySettings;
  readonly worstCase: WorstCase;
  /** Whether the worst case stays within 80 % of the memory. */
  readonly fits: boolean;
}

/** Below it, connections are no longer given up for memory settings: a server for fewer is of little use. */
const fewConnections = 20;

/** Three are the superuser's. */
const fewestConnections = 10;

/** The settings with what they come to need, none of them changed. */
export function asStated(settings: MemorySettings, surroundings: Surroundings): Fitted {
  const found = worstCaseOf(factsOf(settings, surroundings), settings.connections);
  return { settings, worstCase: found, fits: found.total <= Math.floor(surroundings.memory * usableShare) };
}

/**
 * The settings made to fit into 80 % of the memory, no further than needed, in the order of what is missed least:
 * autovacuum's memory; connections, down to 20, before work_mem
 * (docs/engineering/pgtune.md#corrections-for-containers); maintenance_work_mem; work_mem down to 1 MB; shared_buffers
 * down to 1/16 of the memory; work_mem down to 64 kB; connections down to 10; what VACUUM has, to 1 MB. A number that
 * was `asked` for is kept where VACUUM's memory and work_mem alone can make the room; where they cannot, a pooler is
 * needed.
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

/** `over`: bytes that are too much. */
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

/** Without `least`, 16 MB, or 1/64 of the memory where that is less: below it VACUUM reads indexes over and over. */
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

/** Less by at least `by`, in whole units, but not below `least`, and never more than it was. */
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
