import { type Advice, amountOf, formatValue, number, type Rule, type SettingValue, size, word } from '../settings.ts';
import { floorTo, MiB, readableSize } from '../sizes.ts';
import {
  asStated,
  connectionCeiling,
  factsOf,
  fit,
  type Fitted,
  type MemorySettings,
  usableShare,
  type WorstCase,
} from './memory-fit.ts';
import { pgtune, walBuffersFor } from './pgtune.ts';
import type { DiskKind, Profile } from './profiles.ts';

/** Facts about an instance and its container. Sizes in bytes. */
export interface TuningFacts {
  readonly profile: Profile;
  readonly disk: DiskKind;
  readonly major: number;
  readonly memory: number;
  /**
   * What `memory` is: the container's limit; its share of a machine with other containers; or a whole machine, for which the
   * values of PGTune are used without corrections.
   */
  readonly memoryIs: 'limit' | 'share' | 'machine';
  /** CPUs of the quota, fractions included; of the machine if there is no quota. */
  readonly cpus: number;
  /** The requested number. Default: the profile's. */
  readonly connections?: number;
  /** Size of all databases, if known. */
  readonly databaseSize?: number;
  /** Size of the file system with the data, if known. */
  readonly diskSize?: number;
  /** What needs more than minimal WAL, as short sentences; undefined if unknown. */
  readonly walNeededBy: readonly string[] | undefined;
  /** The 95th percentile of RssAnon of the backends; undefined if it was not measured. */
  readonly perBackend: number | undefined;
  readonly hashMemMultiplier: number;
  /** Default 3. */
  readonly autovacuumMaxWorkers?: number;
  /** The values that the server accepts for wal_compression, if known. */
  readonly walCompressions?: readonly string[];
  /** The container's seccomp profile allows io_uring, which Docker's default does not. */
  readonly ioUringAllowed?: boolean;
}

export interface Recommendation {
  /** In PGTune's order. */
  readonly advice: readonly Advice[];
  /** Of the recommended settings. */
  readonly worstCase: WorstCase;
  /** 80% of the memory. */
  readonly usable: number;
  /** Whether the worst case stays within it. */
  readonly fits: boolean;
  /** How many connections would fit with PGTune's own sizes. */
  readonly ceiling: number;
  /** More connections are requested than fit, so a pooler is needed. */
  readonly needsPooler: boolean;
}

/** With less memory, the shares of PGTune are below PostgreSQL's minimum, and `fits` is false. */
const leastMemory = 128 * MiB;

/**
 * PGTune for the container's memory and CPUs, with the corrections of
 * docs/engineering/pgtune.md#corrections-for-containers. docs/tuning.md lists all rules.
 */
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

/** Corrections of PGTune in containers: docs/engineering/pgtune.md#corrections-for-containers. */

type AdviceList = readonly Advice[];

/** The reduced settings, which replace those of PGTune. */
function correctMemory(
  advice: AdviceList,
  before: MemorySettings,
  { settings: now }: Fitted,
  { asked, memory }: { readonly asked: boolean; readonly memory: number },
): AdviceList {
  const room = `80% of ${readableSize(memory)}`;
  const changes: readonly (Change & { readonly changed: boolean })[] = [
    {
      name: 'max_connections',
      changed: now.connections !== before.connections,
      value: number(now.connections),
      rule: 'connections',
      reason: asked
        ? `${before.connections} would not fit into ${room}: use a connection pooler for more clients`
        : `${before.connections} would not fit into ${room}, with the private memory of each backend`,
    },
    {
      name: 'shared_buffers',
      changed: now.sharedBuffers !== before.sharedBuffers,
      value: size(now.sharedBuffers),
      rule: 'memory',
      reason: `the backends of ${now.connections} connections need the memory within ${room}`,
    },
    {
      name: 'maintenance_work_mem',
      changed: now.maintenanceWorkMem !== before.maintenanceWorkMem,
      value: size(now.maintenanceWorkMem),
      rule: 'memory',
      reason: `what remains of ${room} besides the connections`,
    },
    {
      name: 'autovacuum_work_mem',
      changed: now.autovacuumWorkMem !== before.autovacuumWorkMem,
      value: size(now.autovacuumWorkMem),
      rule: 'memory',
      reason: `${readableSize(before.autovacuumWorkMem)} for each worker would not fit into ${room} with everything else`,
    },
    {
      name: 'work_mem',
      changed: now.workMem !== before.workMem,
      value: size(now.workMem),
      rule: 'memory',
      reason: `${room} leaves no more for each sort and hash of concurrent sessions`,
    },
    {
      name: 'wal_buffers',
      changed: now.sharedBuffers !== before.sharedBuffers,
      value: size(walBuffersFor(now.sharedBuffers)),
      rule: 'memory',
      reason: '3% of the smaller shared_buffers',
    },
  ];
  return changes.filter(({ changed }) => changed).reduce<AdviceList>(replace, advice);
}

/** Keeps wal_level if a backup, a standby or archiving needs it, or if that is unknown. */
function correctWal(advice: AdviceList, { walNeededBy }: TuningFacts): AdviceList {
  if (!advice.some(({ name }) => name === 'wal_level') || walNeededBy?.length === 0) return advice;
  const why = walNeededBy === undefined ? 'backups or standbys may depend on it' : walNeededBy.join('; ');
  const kept = replace(advice, {
    name: 'wal_level',
    value: word('replica'),
    rule: 'backups',
    reason: `minimal would disable base backups and archiving: ${why}`,
  });
  return replace(kept, {
    name: 'max_wal_senders',
    value: number(10),
    rule: 'backups',
    reason: `base backups and standbys each need one: ${why}`,
  });
}

/** WAL uses at most a tenth of the disk. */
function correctDisk(advice: AdviceList, { diskSize }: TuningFacts): AdviceList {
  if (diskSize === undefined) return advice;
  const most = Math.max(64 * MiB, floorTo(diskSize / 10, MiB));
  const maxWal = amountOf(advice, 'max_wal_size');
  if (maxWal === undefined || maxWal <= most) return advice;
  const disk = readableSize(diskSize);
  const lowered = replace(advice, {
    name: 'max_wal_size',
    value: size(most),
    rule: 'disk',
    reason: `a tenth of the disk of ${disk}: a full disk stops the server`,
  });
  const least = Math.max(32 * MiB, floorTo(most / 4, MiB));
  if ((amountOf(advice, 'min_wal_size') ?? 0) <= least) return lowered;
  return replace(lowered, {
    name: 'min_wal_size',
    value: size(least),
    rule: 'disk',
    reason: 'a quarter of the smaller max_wal_size',
  });
}

/** A server does not start with a compression that it was built without. */
function correctBuild(advice: AdviceList, { walCompressions }: TuningFacts): AdviceList {
  const stated = advice.find(({ name }) => name === 'wal_compression');
  if (stated === undefined || walCompressions?.includes(formatValue(stated.value)) !== false) return advice;
  return replace(advice, {
    name: 'wal_compression',
    value: word('pglz'),
    rule: 'build',
    reason: `this server was built without ${formatValue(stated.value)}`,
  });
}

/** Docker's default seccomp profile has forbidden io_uring since November 2023. */
function correctIo(advice: AdviceList, { ioUringAllowed }: TuningFacts): AdviceList {
  if (ioUringAllowed === true || !advice.some(({ name }) => name === 'io_method')) return advice;
  return replace(advice, {
    name: 'io_method',
    value: word('worker'),
    rule: 'seccomp',
    reason: 'Docker’s seccomp profile forbids io_uring',
  });
}

interface Change {
  readonly name: string;
  readonly value: SettingValue;
  readonly rule: Rule;
  readonly reason: string;
}

/** Replaces the value of PGTune, which is kept for reference; appended if PGTune has none. */
function replace(advice: AdviceList, change: Change): AdviceList {
  const { name, value, rule, reason } = change;
  const corrected = { name, value, rule, reason };
  if (!advice.some((one) => one.name === name)) return [...advice, corrected];
  return advice.map((one) => (one.name === name ? { ...corrected, pgtune: one.pgtune ?? one.value } : one));
}
