import { meanProbability, sigmoid, within80 } from './distributions.ts';
import { createEffects } from './effects.ts';
import type { Position } from './effects-cells.ts';
import type { Level } from './effects-fit.ts';
import { keysOf, settingOf } from './keys.ts';
import type { Attempt, Interval, RecordView } from './types.ts';

/** What is asked: would this handler, now, fix this problem? */
export interface Question {
  readonly record: RecordView;
  readonly handler: string;
  /** How often this handler has failed on it since it was last fixed. */
  readonly failures: number;
  /** Whether the cooldown after its last failure is over. */
  readonly hasWaited: boolean;
}

/** One level of the estimate, for people: how often such attempts have succeeded. */
export interface Evidence {
  /** `all`, `handler`, `topic`, … */
  readonly level: string;
  readonly key: string;
  /** Attempts and successes, each by its weight after decay. */
  readonly attempts: number;
  readonly successes: number;
}

export interface SuccessModel {
  observe(attempt: Attempt, before: Pick<Question, 'failures' | 'hasWaited'>): void;
  /** The probability of success, 0 to 1, with an interval that holds the true one in 8 of 10 cases. */
  estimate(question: Question): Interval;
  evidence(question: Question): readonly Evidence[];
  /** What the estimate of a record means by how such values have done, and how many attempts it counts for. */
  calibrated(record: RecordView): { readonly value: number; readonly attempts: number };
  /** A sentence if a handler's latest attempts differ from its earlier ones by more than chance, else nothing. */
  changes(handler: string): readonly string[];
}

const names = [
  'all',
  'role',
  'handler',
  'topic',
  'finding',
  'finding by anyone',
  'image',
  'version',
  'retry',
  'stated',
] as const;

/** A level for each name above, in log-odds. */
const levels = [
  { name: 'all', spread: 1 },
  { name: 'role', spread: 0.5 },
  { name: 'handler', spread: 0.6 },
  { name: 'topic', spread: 0.6 },
  { name: 'finding', spread: 0.4 },
  { name: 'finding by anyone', spread: 0.4 },
  { name: 'image', spread: 0.4 },
  { name: 'version', spread: 0.3 },
  { name: 'retry', spread: 1 },
  { name: 'stated', mean: 0.7, spread: 0.4, isMultiplied: true },
] as const satisfies readonly Level[];

const recordSpread = 0.4;

/** So many attempts of a handler are compared with what was forecast for them, and differ if by so many deviations. */
const changeWindow = 20;
const changeThreshold = 3;

/** How far attempts of one kind may lie from what is stated, in log-odds: handler, topic and finding together. */
const handlerVariance = 0.7 ** 2 + 0.6 ** 2 + 0.4 ** 2;

function isShared(level: number): boolean {
  return names[level] === 'all' || names[level] === 'stated';
}

/** Success by the levels above, the stated probability being one of them: its log-odds times a slope that is learned. */
export function createSuccessModel(halfLife: number): SuccessModel {
  const effects = createEffects({ kind: 'logistic', levels, subjectSpread: recordSpread, halfLife });
  /** The latest attempts of each handler. */
  const latest = new Map<string, (Question & Pick<Attempt, 'fixed'>)[]>();

  function estimate(question: Question): Interval {
    if (effects.size() === 0) {
      const value = question.record.estimates.successProb;
      return { value, low: value, high: value };
    }
    const { mean, variance } = effects.at(positionOf(question));
    const reach = within80 * Math.sqrt(variance);
    return {
      value: meanProbability(mean, variance),
      low: sigmoid(mean - reach),
      high: sigmoid(mean + reach),
    };
  }

  return {
    estimate,
    observe({ record, handler, fixed, at, weight }, { failures, hasWaited }) {
      const seen = latest.get(handler) ?? [];
      const question = { record, handler, failures, hasWaited, fixed };
      seen.push(question);
      if (seen.length > changeWindow) seen.shift();
      latest.set(handler, seen);
      effects.add({ ...positionOf(question), value: fixed ? 1 : 0, at, weight });
    },
    evidence(question) {
      const position = positionOf(question);
      const keys = position.keys();
      return names.flatMap((level, index) => {
        const { count, total } = effects.tally(position, index);
        return count === 0 ? [] : [{ level, key: keys[index] ?? '', attempts: count, successes: total }];
      });
    },
    calibrated(record) {
      const position = positionOf({ record, handler: '', failures: 0, hasWaited: false });
      const mean = effects.partOf(position, isShared);
      const value = sigmoid(mean);
      return { value, attempts: 1 / (handlerVariance * value * (1 - value)) };
    },
    changes(handler) {
      const seen = latest.get(handler) ?? [];
      const forecasts = seen.map((attempt) => estimate(attempt).value);
      const expected = forecasts.reduce((sum, forecast) => sum + forecast, 0);
      const variance = forecasts.reduce((sum, forecast) => sum + forecast * (1 - forecast), 0);
      const fixed = seen.filter((attempt) => attempt.fixed).length;
      if (seen.length < changeWindow || Math.abs(fixed - expected) < changeThreshold * Math.sqrt(variance)) return [];
      return [
        `${handler} has changed: ${fixed} of its last ${seen.length} attempts succeeded where ${expected.toFixed(1)} were expected`,
      ];
    },
  };
}

function positionOf({ record, handler, failures, hasWaited }: Question): Position {
  const times = Math.min(failures, 3);
  const retry = failures === 0 ? undefined : `${times} ${hasWaited ? 'late' : 'soon'}`;
  const { successProb, provenance } = record.estimates;
  return {
    subject: record,
    setting: () => [...settingOf(record), provenance, successProb],
    handler,
    variant: failures === 0 ? 0 : 2 * times + Number(hasWaited) - 1,
    keys: () => {
      const { all, role, topic, finding, findingByAnyone, image, version } = keysOf(record, handler);
      return [all, role, handler, topic, finding, findingByAnyone, image, version, retry, provenance];
    },
    // Only the last level is multiplied.
    multiplier: logOdds(successProb),
  };
}

/** Of a stated probability: 0 and 1 count as 0.02 and 0.98. */
function logOdds(probability: number): number {
  const kept = Math.min(0.98, Math.max(0.02, probability));
  return Math.log(kept / (1 - kept));
}
