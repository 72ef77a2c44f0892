import { ProblemsError } from '../errors.ts';
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
import { type ContainerAdvice, containerAdvice } from '../remediation/container-advice.ts';
import type { Session } from '../remediation/engine/session.ts';
import type { BackendMemory } from '../remediation/shared/memory.ts';
import type { ServerSetting, ServerSettings } from '../remediation/shared/server-settings.ts';
import { type ReadFacts, readTuningFacts } from '../remediation/tuning-facts.ts';

export interface TuningRequest {
  readonly instance: string;
  /** Default `mixed`. */
  readonly profile?: Profile;
  /** Default: the profile's. */
  readonly connections?: number;
  /** Default `ssd`. */
  readonly disk?: DiskKind;
}

/** One setting: what it is, what it should be, and why. Values as PostgreSQL prints them. */
export interface TunedSetting {
  readonly name: string;
  /** Null where it is not known. */
  readonly current: string | null;
  readonly recommended: string;
  readonly changes: boolean;
  readonly reason: string;
  readonly rule: Rule;
  /** PGTune's own value, where a correction says otherwise. */
  readonly pgtune: string | null;
  /** `command line`, `default`, …, or the path of the file that says it; null where it is not known. */
  readonly source: string | null;
  /** What a change takes. `recreate`: the container's command line says it, and nothing overrides that. */
  readonly takes: 'reload' | 'restart' | 'recreate';
  /** Another value is written already, for the server's next start. */
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
  /** Bytes that the recommended settings come to need at worst, and that may be used: 80 % of the memory. */
  readonly worstCase: number;
  readonly usable: number;
  readonly fits: boolean;
  /** Connections that would fit beside PGTune's own sizes. */
  readonly ceiling: number;
  /** More connections were asked for than can fit. */
  readonly needsPooler: boolean;
  /** What to heed before anything is changed, a sentence each. */
  readonly warnings: readonly string[];
  /** What could not be known, a sentence each. */
  readonly unknown: readonly string[];
}

/**
 * What an instance's settings should be, and why. Looks, and changes nothing.
 * @throws ProblemsError `not-found`: there is no such instance. `engine-unreachable`.
 */
export async function tune({ reader }: Session, request: TuningRequest): Promise<Tuning> {
  const instance = await reader.instance(request.instance);
  if (instance === undefined) {
    throw new ProblemsError('not-found', `There is no instance ${request.instance}.`, {
      hint: '`problems fleet` shows those that there are.',
    });
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
    warnings: warningsOf(recommendation, activity),
    unknown,
  };
}

/** PGOPS §2.5 and §2.7. */
function warningsOf({ advice, needsPooler }: Recommendation, activity: ReadFacts['activity']): readonly string[] {
  const connections = amountOf(advice, 'max_connections') ?? 0;
  return [
    ...(needsPooler ? ['more connections were asked for than fit: a pooler in front can take them'] : []),
    ...(activity !== undefined && activity.sessions > connections
      ? [`${activity.sessions} sessions are open now, more than ${connections}: fewer connections need a pooler first`]
      : []),
    ...(activity?.standby === true
      ? ['it is a standby: what limits connections and workers is raised here first, and lowered at its primary first']
      : []),
    ...(activity !== undefined && activity.senders > 0
      ? ['a standby may follow it: what limits connections and workers is raised there first, and lowered here first']
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

/** The server rounds a size to its own unit: 7,866 kB of `8kB` are 983 of them. */
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
