import { connectionCeiling } from '../../tuning/ceiling.ts';
import { floorTo, kiB, MiB } from '../sizes.ts';
import {
  activeAtMost,
  type MemoryFacts,
  sharedMemoryOf,
  usableShare,
  workOfOne,
  worstCase,
  type WorstCase,
} from '../../tuning/worst-case.ts';
import { walBuffersFor } from './pgtune.ts';

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
  const found = worstCase(factsOf(settings, surroundings), settings.connections);
  return { settings, worstCase: found, fits: found.total <= Math.floor(surroundings.memory * usableShare) };
}

/**
 * The settings made to fit into 80 % of the memory, no further than needed, in the order of what is missed least:
 * autovacuum's memory; connections, down to 20, before work_mem (PGOPS §6.2); maintenance_work_mem; work_mem down to
 * 1 MB; shared_buffers down to 1/16 of the memory; work_mem down to 64 kB; connections down to 10; what VACUUM has, to
 * 1 MB. A number that was `asked` for is kept where VACUUM's memory and work_mem alone can make the room; where they
 * cannot, a pooler is needed.
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
