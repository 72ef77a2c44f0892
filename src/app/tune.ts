import type { Container } from '../host/docker/types.ts';
import {
  type Advice,
  amountOf,
  type DiskKind,
  formatSize,
  formatValue,
  parseSize,
  type Profile,
  recommend,
  type Recommendation,
  type Rule,
  type SettingValue,
  type TuningFacts,
} from '../postgres/tuning/index.ts';
import { type BackendMemory, memoryOf } from '../remediation/shared/memory.ts';
import type { ServerSetting, ServerSettings } from '../remediation/shared/server-settings.ts';
import { getNumber } from '../util/json.ts';
import { instanceNotFound } from '../remediation/engine/not-found.ts';
import type { Remediation } from './open-remediation.ts';
import { type ReadFacts, readTuningFacts } from './tuning-facts.ts';

/** A property of the container that should be changed. */
export interface ContainerAdvice {
  readonly name: 'memory' | 'memory-swap' | 'shm-size';
  /** `none`, `unlimited` or a size as PostgreSQL writes it. */
  readonly current: string;
  readonly recommended: string;
  readonly reason: string;
}

const MiB = 2 ** 20;

/**
 * Limits that no server setting can fix: docs/engineering/memory.md#host-budget and
 * docs/engineering/memory.md#dev-shm.
 */
export function containerAdvice(
  { memory, shmSize, inspect }: Pick<Container, 'memory' | 'shmSize' | 'inspect'>,
  facts: TuningFacts,
  { advice }: Recommendation,
): readonly ContainerAdvice[] {
  const memorySwap = getNumber(inspect, 'HostConfig', 'MemorySwap');
  const found: ContainerAdvice[] = [];
  if (memory === 0 && facts.memoryIs === 'share' && facts.memory > 0) {
    found.push({
      name: 'memory',
      current: 'none',
      recommended: formatSize(facts.memory),
      reason:
        'without a limit it can use memory that other containers were promised; this is an equal share of what they leave',
    });
  }
  if (memory > 0 && memorySwap !== memory) {
    found.push({
      name: 'memory-swap',
      current: memorySwap > 0 ? formatSize(memorySwap) : 'unlimited',
      recommended: formatSize(memory),
      reason: 'a value equal to the memory limit disables swap, which makes a database unusably slow',
    });
  }
  const needed = sharedForParallelQueries(facts, advice);
  if (shmSize > 0 && needed > shmSize) {
    found.push({
      name: 'shm-size',
      current: formatSize(shmSize),
      recommended: formatSize(needed),
      reason:
        'parallel queries keep hash tables in /dev/shm and fail when it is full; max_parallel_workers_per_gather = 0 avoids it',
    });
  }
  return found;
}

/**
 * Bytes for two parallel hash joins at once, between 256 MB and 1 GB but at most a quarter of the memory; 0 if Docker's
 * default of 64 MB is enough.
 */
function sharedForParallelQueries(facts: TuningFacts, advice: Recommendation['advice']): number {
  const workers = amountOf(advice, 'max_parallel_workers_per_gather') ?? 2;
  const workMem = amountOf(advice, 'work_mem') ?? 0;
  const needed = workMem * facts.hashMemMultiplier * (workers + 1) * 2;
  if (needed <= 64 * MiB) return 0;
  const within = Math.min(Math.max(needed, 256 * MiB), 1024 * MiB, facts.memory / 4);
  return Math.floor(within / MiB) * MiB;
}

export interface TuningRequest {
  readonly instance: string;
  /** Default `mixed`. */
  readonly profile?: Profile;
  /** Default: the profile's. */
  readonly connections?: number;
  /** Default `ssd`. */
  readonly disk?: DiskKind;
}

/** One setting: its value, its recommended value, and why. Values as PostgreSQL prints them. */
export interface TunedSetting {
  readonly name: string;
  /** Null if unknown. */
  readonly current: string | null;
  readonly recommended: string;
  readonly changes: boolean;
  readonly reason: string;
  readonly rule: Rule;
  /** PGTune's own value, if it was corrected. */
  readonly pgtune: string | null;
  /** `command line`, `default`, …, or the path of the file that sets it; null if unknown. */
  readonly source: string | null;
  /** What a change requires. `recreate`: the container's command line sets it, which nothing else overrides. */
  readonly takes: 'reload' | 'restart' | 'recreate';
  /** Another value is already configured for the next server start. */
  readonly pendingRestart: boolean;
}

export interface Tuning {
  readonly instance: string;
  readonly container: string;
  readonly running: boolean;
  /** The major version. */
  readonly postgres: number;
  readonly profile: Profile;
  readonly disk: DiskKind;
  /** Bytes, and what they are: the limit, a share of the machine, or all of it. */
  readonly memory: { readonly bytes: number; readonly is: TuningFacts['memoryIs'] };
  readonly cpus: { readonly count: number; readonly is: 'quota' | 'machine' };
  /** Null: not measured. */
  readonly backends: BackendMemory | null;
  readonly settings: readonly TunedSetting[];
  readonly containerSettings: readonly ContainerAdvice[];
  /** Bytes that the recommended settings need at worst, and that may be used: 80% of the memory. */
  readonly worstCase: number;
  readonly usable: number;
  readonly fits: boolean;
  /** Connections that would fit with PGTune's own sizes. */
  readonly ceiling: number;
  /** More connections were requested than fit. */
  readonly needsPooler: boolean;
  /** What to consider before changing anything, one sentence each. */
  readonly warnings: readonly string[];
  /** What could not be determined, one sentence each. */
  readonly unknown: readonly string[];
}

/**
 * Recommends settings for an instance, with reasons. Changes nothing.
 * @throws ProblemsError `not-found`: there is no such instance. `engine-unreachable`.
 */
export async function tune({ session: { reader } }: Remediation, request: TuningRequest): Promise<Tuning> {
  const instance = await reader.instance(request.instance);
  if (instance === undefined) {
    throw instanceNotFound(request.instance, await reader.instances());
  }
  const { profile = 'mixed', disk = 'ssd', connections } = request;
  const { facts, settings, backends, activity, unknown } = await readTuningFacts(reader, instance, {
    profile,
    disk,
    connections,
  });
  const recommendation = recommend(facts);
  const { advice, worstCase, usable, fits, ceiling, needsPooler } = recommendation;
  return {
    instance: instance.name,
    container: instance.container.name,
    running: instance.container.state.running,
    postgres: facts.major,
    profile,
    disk,
    memory: { bytes: facts.memory, is: facts.memoryIs },
    cpus: { count: facts.cpus, is: instance.container.cpus > 0 ? 'quota' : 'machine' },
    backends: backends ?? null,
    settings: advice.map((one) => tuned(one, settings)),
    containerSettings: containerAdvice(instance.container, facts, recommendation),
    worstCase: worstCase.total,
    usable,
    fits,
    ceiling,
    needsPooler,
    warnings: [...presentWorstCase(facts, settings), ...warningsOf(recommendation, activity)],
    unknown,
  };
}

/** `detect` reports it only if the server comes near its limit: docs/engineering/memory.md#worst-case-and-use. */
export function presentWorstCase(
  { cpus, memory: limit, memoryIs, perBackend }: Pick<TuningFacts, 'cpus' | 'memory' | 'memoryIs' | 'perBackend'>,
  settings: ServerSettings,
): readonly string[] {
  const { worstCase } = memoryOf(settings, cpus, perBackend);
  return memoryIs === 'limit' && worstCase.total > limit
    ? [
        `its present settings allow ${formatSize(toMiB(worstCase.total))} at worst, more than its limit of ${formatSize(limit)}: rare, and reported by \`problems detect\` if it comes near`,
      ]
    : [];
}

function toMiB(bytes: number): number {
  return Math.ceil(bytes / MiB) * MiB;
}

/** See docs/engineering/settings.md#standbys and docs/engineering/connections.md#proving-a-limit. */
function warningsOf({ advice, needsPooler }: Recommendation, activity: ReadFacts['activity']): readonly string[] {
  const connections = amountOf(advice, 'max_connections') ?? 0;
  return [
    ...(needsPooler ? ['more connections were requested than fit: use a connection pooler'] : []),
    ...(activity !== undefined && activity.sessions > connections
      ? [
          `${activity.sessions} sessions are open now, more than ${connections}: add a pooler before lowering max_connections`,
        ]
      : []),
    ...(activity?.standby === true
      ? ['it is a standby: raise limits of connections and workers here first, and lower them on its primary first']
      : []),
    ...(activity !== undefined && activity.senders > 0
      ? ['it may have a standby: raise limits of connections and workers there first, and lower them here first']
      : []),
  ];
}

function tuned({ name, value, reason, rule, pgtune }: Advice, { values, asked }: ServerSettings): TunedSetting {
  const now = values.get(name);
  return {
    name,
    current: now === undefined ? null : shown(now, value),
    recommended: formatValue(value),
    changes: now === undefined || !isSame(now, value),
    reason,
    rule,
    pgtune: pgtune === undefined ? null : formatValue(pgtune),
    source: now === undefined ? (asked ? null : 'default') : (now.file ?? now.source),
    takes: now?.source === 'command line' ? 'recreate' : now?.needsRestart === true ? 'restart' : 'reload',
    pendingRestart: now?.pendingRestart ?? false,
  };
}

/** As SHOW prints it: pg_settings has a bare number in the unit of the setting. */
function shown({ setting, unit }: ServerSetting, { type }: SettingValue): string {
  const bytes = type === 'size' ? parseSize(setting, unit) : undefined;
  return bytes === undefined ? setting : formatSize(bytes);
}

/** The server rounds a size to its unit: 7,866 kB in units of 8 kB is 983. */
function isSame({ setting, unit }: ServerSetting, value: SettingValue): boolean {
  switch (value.type) {
    case 'size': {
      const one = parseSize('1', unit) ?? 1;
      const bytes = parseSize(setting, unit);
      return bytes !== undefined && Math.round(bytes / one) === Math.round(value.bytes / one);
    }
    case 'number':
      return Number(setting) === value.number;
    case 'word':
      return setting === value.word;
  }
}
