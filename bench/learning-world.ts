/**
 * A world to learn in: problems whose chance to be fixed, duration and recurrence depend on handler, topic, finding, image
 * and version in ways that no policy sees, and estimates that are biased and coarse. The same seed gives the same problems
 * and the same luck to every policy.
 */
import type { RecordView } from '../src/learning/types.ts';
import type { ResourceCost, Urgency } from '../src/priority/types.ts';

/** What differs between worlds. Effects are standard deviations in log-odds or in the logarithm of minutes. */
export interface WorldOptions {
  readonly problems: number;
  readonly days: number;
  readonly workers: number;
  readonly scanHours: number;
  /** Of success: by handler and topic, finding, image, version, and the problem itself. */
  readonly success: {
    readonly topic: number;
    readonly finding: number;
    readonly image: number;
    readonly version: number;
    readonly problem: number;
  };
  /** Of minutes: by handler and topic, finding, stated cost, and chance. */
  readonly minutes: { readonly topic: number; readonly finding: number; readonly chance: number };
  /** Share of attempts that take eight times as long. */
  readonly longTail: number;
  /** Recurrences per day: median, and the spread of its logarithm by handler and topic, and by instance. */
  readonly recurrence: { readonly perDay: number; readonly spread: number; readonly instance: number };
  /** Log-odds of stated values: a bias, how much of the truth they tell, and chance. */
  readonly stated: { readonly bias: number; readonly slope: number; readonly chance: number };
  /** How far the logarithm of stated minutes is off. */
  readonly costChance: number;
  /** How far the success of a third of the handlers moves halfway. */
  readonly drift: number;
  /** What problems are about: so many topics, each with its own remediator. */
  readonly topics: number;
  /** Which share of the problems comes in bursts, and how many there are. */
  readonly bursts: { readonly share: number; readonly number: number };
  readonly patterns: { readonly number: number; readonly casesPerDay: number };
  /** Hours for which an attempt by the same handler on the same problem ends as the last one did. */
  readonly stubbornHours: number;
  /** Share of problems that go away by themselves, and after how many days. */
  readonly vanishing: { readonly share: number; readonly days: number };
  /** Minutes that an automatic handler, an agent and a person usually take. */
  readonly usual: { readonly automatic: number; readonly agent: number; readonly person: number };
}

export interface World {
  readonly options: WorldOptions;
  readonly arrivals: readonly RecordView[];
  /** A case of a pattern. */
  makeCase(pattern: RecordView, number: number, at: number): RecordView;
  success(record: RecordView, handler: string, at: number): number;
  /** Minutes that one attempt takes. */
  minutes(record: RecordView, handler: string, attempt: number): number;
  /** Mean of the logarithm of minutes, without the long tail. */
  logMinutes(record: RecordView, handler: string): number;
  recurrencesPerDay(record: RecordView, handler: string): number;
  casesPerDay(pattern: RecordView): number;
  /** Hours after which the problem goes away; infinite if it does not. */
  vanishesAfter(record: RecordView): number;
  luck(...about: readonly (string | number)[]): number;
  normal(...about: readonly (string | number)[]): number;
}

/** A world with a queue that is worth ordering. */
export const usualWorld: WorldOptions = {
  problems: 850,
  days: 56,
  workers: 3,
  scanHours: 1,
  success: { topic: 0.7, finding: 0.6, image: 0.6, version: 0.4, problem: 0.5 },
  minutes: { topic: 0.6, finding: 0.5, chance: 0.6 },
  longTail: 0,
  recurrence: { perDay: 0.01, spread: 1.3, instance: 0 },
  stated: { bias: 0.6, slope: 0.6, chance: 0.8 },
  costChance: 0.8,
  drift: 1.2,
  topics: 9,
  bursts: { share: 0.5, number: 25 },
  stubbornHours: 0,
  patterns: { number: 12, casesPerDay: 0.5 },
  vanishing: { share: 0.15, days: 5 },
  usual: { automatic: 20, agent: 120, person: 360 },
};

const topicNames = [
  'ports',
  'pools',
  'memory',
  'backups',
  'permissions',
  'migrations',
  'networks',
  'settings',
  'disks',
];
const images = ['postgres', 'postgis', 'timescale', 'pgvector', 'own'];
const versions = [14, 15, 16, 17, 18];
const urgencyNames = ['critical', 'high', 'medium', 'low'] as const satisfies readonly Urgency[];
const costNames = ['minimal', 'moderate', 'heavy'] as const satisfies readonly ResourceCost[];

export function createWorld(seed: number, options: WorldOptions): World {
  const topics = Array.from({ length: options.topics }, (_, number) => topicNames[number] ?? `topic-${number}`);
  const luck = (...about: readonly (string | number)[]) => fraction(`${seed}|${about.join('|')}`);
  const normals = new Map<string, number>();
  const normal = (...about: readonly (string | number)[]) => {
    const key = about.join('|');
    const value =
      normals.get(key) ??
      Math.sqrt(-2 * Math.log(1 - fraction(`${seed}|radius|${key}`))) *
        Math.cos(2 * Math.PI * fraction(`${seed}|angle|${key}`));
    normals.set(key, value);
    return value;
  };
  const pick = <Value>(
    values: readonly [Value, ...Value[]] | readonly Value[],
    ...about: readonly (string | number)[]
  ) => {
    const value = values[Math.floor(luck('pick', ...about) * values.length)];
    if (value === undefined) throw new RangeError('There is nothing to pick from.');
    return value;
  };

  function kindOf(handler: string): 'automatic' | 'agent' | 'person' {
    return handler === 'agent' || handler === 'person' ? handler : 'automatic';
  }

  function success(record: RecordView, handler: string, at: number): number {
    const { topic, finding, image, postgres, id } = record;
    const { success: spread } = options;
    const base = { automatic: 1.1, agent: 0.3, person: 1.2 }[kindOf(handler)];
    const moved = luck('drifts', handler) < 1 / 3 && at > options.days * 12 ? options.drift : 0;
    const logOdds =
      base +
      0.5 * normal('success', handler) +
      spread.topic * normal('success', handler, topic) +
      spread.finding * (0.7 * normal('success', handler, topic, finding) + 0.7 * normal('success', topic, finding)) +
      spread.image * normal('success', handler, image) +
      spread.version * normal('success', handler, postgres) +
      spread.problem * normal('success', id) +
      moved * Math.sign(normal('drift', handler));
    return 1 / (1 + Math.exp(-logOdds));
  }

  function logMinutes(record: RecordView, handler: string): number {
    const { topic, finding, image } = record;
    const { minutes: spread } = options;
    return (
      Math.log(options.usual[kindOf(handler)]) +
      0.5 * normal('minutes', handler) +
      spread.topic * normal('minutes', handler, topic) +
      spread.finding * normal('minutes', topic, finding) +
      0.2 * normal('minutes', handler, image)
    );
  }

  function makeRecord(id: string, at: number, pattern: RecordView | null): RecordView {
    const topic = pattern?.topic ?? pick(topics, 'topic', id, Math.floor(at / 30));
    const finding = pattern?.finding ?? `${topic}-${Math.floor(luck('finding', id) ** 1.5 * 4)}`;
    const isPattern = id.startsWith('pattern');
    const remediated = topic !== 'settings' && topic !== 'disks' && luck('remediated', id) < 0.85;
    const handlers = [
      ...(remediated && !isPattern ? [`${topic}-repair`] : []),
      'agent',
      ...(luck('person', id) < 0.6 ? ['person'] : []),
    ];
    const base: RecordView = {
      id,
      kind: isPattern ? 'pattern' : luck('kind', id) < 0.25 ? 'intermittent' : 'active',
      class: topic === 'ports' || topic === 'disks' ? 'resource-conflict' : topic,
      topic,
      finding,
      instance: `db-${Math.floor(luck('instance', id) * 60)}`,
      image: pick(images, 'image', id),
      postgres: pick(versions, 'version', id),
      estimates: { impact: 5, urgency: 'medium', successProb: 0.5, resourceCost: 'moderate', provenance: 'derived' },
      handlers,
      pattern: pattern?.id ?? null,
      openedAt: at,
    };
    return { ...base, estimates: estimatesOf(base, handlers[0] ?? 'agent', at) };
  }

  function estimatesOf(record: RecordView, handler: string, at: number): RecordView['estimates'] {
    const { id } = record;
    const isStated = luck('stated', id) < 0.6;
    const truth = success(record, handler, at);
    const { bias, slope, chance } = options.stated;
    const logOdds = bias + slope * Math.log(truth / (1 - truth)) + chance * normal('stated', id);
    const stated = 1 / (1 + Math.exp(-logOdds));
    const minutes = logMinutes(record, handler) + options.costChance * normal('cost', id);
    return {
      impact: Math.min(10, Math.max(1, Math.round(5 + 2.2 * normal('impact', id)))),
      urgency: pick(urgencyNames, 'urgency', id),
      successProb: isStated
        ? Math.min(0.95, Math.max(0.05, Math.round(stated * 10) / 10))
        : pick([0.5, 0.6, 0.8], 'derived', id),
      resourceCost: costNames[minutes < Math.log(20) ? 0 : minutes < Math.log(90) ? 1 : 2] ?? 'heavy',
      provenance: isStated ? 'stated' : 'derived',
    };
  }

  const arrivals: RecordView[] = [];
  for (let number = 0; number < options.patterns.number; number += 1)
    arrivals.push(makeRecord(`pattern-${number}`, luck('pattern', number) * options.days * 14, null));
  for (let number = 0; number < options.problems; number += 1) {
    // Half of them come in bursts.
    const burst = Math.floor(luck('burst', number) * options.bursts.number);
    const start = luck('burst at', burst) * options.days * 22;
    const at =
      luck('bursts', number) < options.bursts.share
        ? start + luck('in burst', number) * 6
        : luck('at', number) * options.days * 23;
    arrivals.push(makeRecord(`problem-${number}`, at, null));
  }
  return {
    options,
    arrivals: arrivals.toSorted((a, b) => a.openedAt - b.openedAt),
    makeCase: (pattern, number, at) => makeRecord(`${pattern.id.replace('pattern', 'case')}-${number}`, at, pattern),
    success,
    logMinutes,
    minutes: (record, handler, attempt) =>
      Math.exp(logMinutes(record, handler) + options.minutes.chance * normal('took', record.id, handler, attempt)) *
      (luck('tail', record.id, handler, attempt) < options.longTail ? 8 : 1),
    recurrencesPerDay: ({ topic, instance }, handler) =>
      options.recurrence.perDay *
      Math.exp(
        options.recurrence.spread * normal('recurrence', handler, topic) +
          options.recurrence.instance * normal('recurrence', instance),
      ),
    casesPerDay: ({ id }) => options.patterns.casesPerDay * Math.exp(0.8 * normal('cases', id)),
    vanishesAfter: ({ id, kind }) =>
      kind === 'pattern' || luck('vanishes', id) >= options.vanishing.share * (kind === 'intermittent' ? 2 : 0.7)
        ? Infinity
        : -Math.log(1 - luck('vanishing', id)) * options.vanishing.days * 24,
    luck,
    normal,
  };
}

/** A number from 0 to below 1 that a text decides: FNV-1a, mixed once more. */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
  hash = Math.imul(hash ^ (hash >>> 15), 0x735a2d97);
  return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32;
}
