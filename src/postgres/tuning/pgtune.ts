import { type DiskKind, type Profile, type ProfileNumbers, profileNumbers } from './profiles.ts';
import { type Advice, type SettingValue, number, size, word } from '../settings.ts';
import { GiB, MiB, floorTo, kiB } from '../sizes.ts';

export interface PgtuneInput {
  readonly profile: Profile;
  /** Bytes. */
  readonly memory: number;
  /** Whole CPUs. */
  readonly cpus: number;
  /** Default: the profile's. */
  readonly connections?: number;
  readonly disk: DiskKind;
  /** Bytes of all databases. Without it, no value depends on the size. */
  readonly databaseSize?: number;
  /** PostgreSQL's major version. */
  readonly major: number;
}

/** The default of max_worker_processes. */
const defaultWorkerProcesses = 8;
/** With less, sorts and hashes of simple queries spill to disk. */
const workMemFloor = 4 * MiB;

/**
 * All that PGTune (source of 2026, for Linux) recommends, in its order, with reasons. Sizes are whole kB, as in PGTune.
 * See docs/engineering/pgtune.md#formulas.
 */
export function pgtune(input: PgtuneInput): readonly Advice[] {
  const { profile, cpus, disk, major } = input;
  const memory = kB(input.memory);
  const of = profileNumbers[profile];
  const connections = input.connections ?? of.connections;
  const sharedBuffers = kB(memory / of.sharedBuffers);
  const maintenance = Math.min(kB(memory / of.maintenance), 8 * GiB);
  const fits = input.databaseSize === undefined ? undefined : input.databaseSize < memory;
  return [
    say('max_connections', number(connections), connectionsReason(input, of)),
    say('shared_buffers', size(sharedBuffers), `${share(1 / of.sharedBuffers)} of the memory, for ${of.use}`),
    say(
      'effective_cache_size',
      size(kB(memory * of.cacheShare)),
      `${share(of.cacheShare)} of the memory: what the planner assumes to be cached; it allocates nothing`,
    ),
    say(
      'maintenance_work_mem',
      size(maintenance),
      `${share(1 / of.maintenance)} of the memory, at most 8 GB: for VACUUM and CREATE INDEX`,
    ),
    say(
      'checkpoint_completion_target',
      number(0.9),
      'spreads a checkpoint over nearly all the time until the next one',
    ),
    say(
      'wal_buffers',
      size(walBuffersFor(sharedBuffers)),
      '3% of shared_buffers, between 32 kB and 16 MB, the size of a WAL segment',
    ),
    say('default_statistics_target', number(of.statistics), `number of values sampled from each column, for ${of.use}`),
    say('random_page_cost', number(randomPageCost(profile, disk, fits)), randomPageReason(profile, disk, fits)),
    say(
      'effective_io_concurrency',
      number({ hdd: 2, ssd: 200, san: 300, nvme: 1000 }[disk]),
      `number of concurrent reads of ${disk} storage`,
    ),
    workMem({ ...input, memory }, of, { connections, sharedBuffers, fits }),
    sharedBuffers >= 2 * GiB
      ? say('huge_pages', word('try'), 'from 2 GB of shared_buffers they save page tables, if the machine has them')
      : say('huge_pages', word('off'), 'no benefit below 2 GB of shared_buffers'),
    say('min_wal_size', size(of.minWal), `WAL that is recycled, for ${of.use}`),
    say('max_wal_size', size(of.maxWal), `WAL between two checkpoints, for ${of.use}`),
    ...parallelism(profile, cpus, major),
    ...desktopWal(profile),
    ...versions(profile, cpus, major),
    ...autovacuum(maintenance, cpus),
  ];
}

function say(name: string, value: SettingValue, reason: string): Advice {
  return { name, value, reason, rule: 'pgtune' };
}

/** Rounds down to whole kB. */
function kB(bytes: number): number {
  return floorTo(bytes, kiB);
}

function share(part: number): string {
  return part === 3 / 4 ? 'three quarters' : `1/${Math.round(1 / part)}`;
}

function connectionsReason({ connections }: PgtuneInput, { use }: ProfileNumbers): string {
  return connections === undefined ? `the usual number for ${use}` : 'as requested';
}

/** 3% of shared_buffers, at least 32 kB, at most 16 MB; from 14 MB on it is 16 MB. In bytes. */
export function walBuffersFor(sharedBuffers: number): number {
  const part = kB((3 * sharedBuffers) / 100);
  return part > 14 * MiB ? 16 * MiB : Math.max(part, 32 * kiB);
}

function randomPageCost(profile: Profile, disk: DiskKind, fits: boolean | undefined): number {
  if (fits === true) return 1.1;
  return disk === 'hdd' || profile === 'dw' ? 4 : 1.1;
}

function randomPageReason(profile: Profile, disk: DiskKind, fits: boolean | undefined): string {
  if (fits === true) return 'the databases fit into the memory: a page anywhere costs the same';
  if (disk === 'hdd') return 'random reads are slow on a rotating disk';
  return profile === 'dw'
    ? 'large index reads are slower than sequential reads, even on solid state disks'
    : `on ${disk} storage random reads cost little more`;
}

/** A third of the memory besides shared_buffers, divided by all possible sorts, since a query may sort several times. */
function workMem(
  { memory, cpus }: PgtuneInput,
  { workMem: divisor, use }: ProfileNumbers,
  known: { readonly connections: number; readonly sharedBuffers: number; readonly fits: boolean | undefined },
): Advice {
  const workers = cpus >= 4 ? cpus : defaultWorkerProcesses;
  const each = (memory - known.sharedBuffers) / ((known.connections + workers) * 3);
  const [factor, why] =
    known.fits === undefined
      ? [1, '']
      : known.fits
        ? [1.3, ', and 30% more since the databases fit into the memory']
        : [0.9, ', and 10% less since the databases do not fit into the memory'];
  // PGTune rounds down to kB twice.
  const computed = Math.floor(Math.floor(each / divisor / kiB) * factor) * kiB;
  return computed < workMemFloor
    ? say('work_mem', size(workMemFloor), 'the minimum that keeps simple sorts and hashes in memory')
    : say(
        'work_mem',
        size(computed),
        `memory besides shared_buffers, divided by three sorts for each of ${known.connections} connections and ${workers} workers, for ${use}${why}`,
      );
}

function parallelism(profile: Profile, cpus: number, major: number): readonly Advice[] {
  if (cpus < 4) return [];
  const half = Math.ceil(cpus / 2);
  return [
    say('max_worker_processes', number(cpus), 'one for each CPU'),
    say(
      'max_parallel_workers_per_gather',
      number(profile === 'dw' ? half : Math.min(half, 4)),
      profile === 'dw' ? 'half of the CPUs for one query' : 'half of the CPUs for one query, at most 4',
    ),
    ...(major >= 10 ? [say('max_parallel_workers', number(cpus), 'one for each CPU')] : []),
    ...(major >= 11
      ? [
          say(
            'max_parallel_maintenance_workers',
            number(Math.min(half, 4)),
            'half of the CPUs for one index, at most 4',
          ),
        ]
      : []),
  ];
}

function desktopWal(profile: Profile): readonly Advice[] {
  if (profile !== 'desktop') return [];
  return [
    say('wal_level', word('minimal'), 'the least WAL, if no backup or standby needs it'),
    say('max_wal_senders', number(0), 'must be 0 with wal_level minimal'),
  ];
}

function versions(profile: Profile, cpus: number, major: number): readonly Advice[] {
  const ioWorkers = Math.min(32, Math.max(3, Math.floor(cpus / 4)));
  return [
    ...(major >= 12 && profile !== 'dw' && profile !== 'desktop'
      ? [say('jit', word('off'), 'compiling costs more than it saves for short queries')]
      : []),
    ...(major >= 10
      ? [
          say(
            'wal_compression',
            word(major >= 15 ? 'lz4' : 'on'),
            'compresses full pages in WAL; lz4, from PostgreSQL 15, costs little CPU',
          ),
        ]
      : []),
    ...(major >= 18 ? [say('io_method', word('io_uring'), 'the fastest way to read on Linux')] : []),
    ...(major >= 18 && ioWorkers > 3 ? [say('io_workers', number(ioWorkers), 'one for every four CPUs')] : []),
  ];
}

function autovacuum(maintenance: number, cpus: number): readonly Advice[] {
  return [
    ...(cpus >= 16
      ? [say('autovacuum_max_workers', number(cpus >= 32 ? 5 : 4), `more than the usual 3, for ${cpus} CPUs`)]
      : []),
    ...(maintenance >= 2 * GiB
      ? [say('autovacuum_work_mem', size(2 * GiB), 'every worker uses it, so less than maintenance_work_mem')]
      : []),
  ];
}
