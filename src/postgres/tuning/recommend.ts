import { connectionCeiling } from '../../tuning/ceiling.ts';
import { correctBuild, correctDisk, correctIo, correctMemory, correctWal } from '../../tuning/corrections.ts';
import { asStated, factsOf, fit, type MemorySettings } from './memory-fit.ts';
import { pgtune } from './pgtune.ts';
import type { DiskKind, Profile } from './profiles.ts';
import { type Advice, amountOf } from '../../tuning/settings.ts';
import { MiB } from '../sizes.ts';
import { usableShare, type WorstCase } from '../../tuning/worst-case.ts';

/** What is known of an instance and its container. Sizes in bytes. */
export interface TuningFacts {
  readonly profile: Profile;
  readonly disk: DiskKind;
  readonly major: number;
  readonly memory: number;
  /**
   * What `memory` is: the container's limit; its share of a machine with others on it; or all of a machine that it has
   * for itself, where PGTune's values are taken as they are.
   */
  readonly memoryIs: 'limit' | 'share' | 'machine';
  /** Of the quota, fractions too; the machine's where there is none. */
  readonly cpus: number;
  /** As asked for; left out, the profile's. */
  readonly connections?: number;
  /** All databases; left out where it is not known. */
  readonly databaseSize?: number;
  /** The whole of the file system that holds the data; left out where it is not known. */
  readonly diskSize?: number;
  /** Who needs more than the least WAL, each as a short sentence; undefined where nobody could say. */
  readonly walNeededBy: readonly string[] | undefined;
  /** The 95th percentile of RssAnon over the backends; undefined where it was not measured. */
  readonly perBackend: number | undefined;
  readonly hashMemMultiplier: number;
  /** Default 3. */
  readonly autovacuumMaxWorkers?: number;
  /** What wal_compression can be set to, where the server said so. */
  readonly walCompressions?: readonly string[];
  /** The container's seccomp profile allows io_uring, which Docker's own does not. */
  readonly ioUringAllowed?: boolean;
}

export interface Recommendation {
  /** In PGTune's order. */
  readonly advice: readonly Advice[];
  /** Of the recommended settings. */
  readonly worstCase: WorstCase;
  /** 80 % of the memory. */
  readonly usable: number;
  /** Whether the worst case stays within it. */
  readonly fits: boolean;
  /** How many connections would fit with PGTune's own sizes. */
  readonly ceiling: number;
  /** More connections are asked for than fit: they need a pooler in front. */
  readonly needsPooler: boolean;
}

/** Below it PGTune's parts of it are less than PostgreSQL takes; nothing fits there, which `fits` says. */
const leastMemory = 128 * MiB;

/** PGTune for the container's memory and CPUs, corrected as PGOPS §6.2 demands: docs/tuning.md names every rule. */
export function recommend(facts: TuningFacts): Recommendation {
  const stated = pgtune({
    profile: facts.profile,
    memory: Math.max(facts.memory, leastMemory),
    cpus: Math.max(1, Math.floor(facts.cpus)),
    disk: facts.disk,
    major: facts.major,
    ...(facts.connections === undefined ? {} : { connections: facts.connections }),
    ...(facts.databaseSize === undefined ? {} : { databaseSize: facts.databaseSize }),
  });
  const settings = memorySettings(stated);
  const surroundings = {
    memory: facts.memory,
    cpus: facts.cpus,
    hashMemMultiplier: facts.hashMemMultiplier,
    autovacuumMaxWorkers: amountOf(stated, 'autovacuum_max_workers') ?? facts.autovacuumMaxWorkers ?? 3,
    perBackend: facts.perBackend,
  };
  const asked = facts.connections !== undefined;
  const bites = facts.memoryIs !== 'machine';
  const fitted = bites ? fit(settings, surroundings, asked) : asStated(settings, surroundings);
  const ceiling = connectionCeiling({ ...factsOf(settings, surroundings), memory: facts.memory });
  const corrected = bites ? correctMemory(stated, settings, fitted, { asked, memory: facts.memory }) : stated;
  return {
    advice: [correctWal, correctDisk, correctBuild, correctIo].reduce((advice, next) => next(advice, facts), corrected),
    worstCase: fitted.worstCase,
    usable: Math.floor(facts.memory * usableShare),
    fits: fitted.fits,
    ceiling: ceiling.connections,
    needsPooler: asked && fitted.settings.connections < settings.connections,
  };
}

function memorySettings(stated: readonly Advice[]): MemorySettings {
  const maintenanceWorkMem = amountOf(stated, 'maintenance_work_mem') ?? 64 * MiB;
  return {
    connections: amountOf(stated, 'max_connections') ?? 100,
    sharedBuffers: amountOf(stated, 'shared_buffers') ?? 128 * MiB,
    workMem: amountOf(stated, 'work_mem') ?? 4 * MiB,
    maintenanceWorkMem,
    autovacuumWorkMem: amountOf(stated, 'autovacuum_work_mem') ?? maintenanceWorkMem,
  };
}
