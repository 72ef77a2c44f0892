import type { ResourceCost } from '../priority/index.ts';
import { createEffects } from './effects.ts';
import { type Keys, keysOf } from './keys.ts';
import type { Question } from './success.ts';
import type { Attempt, Interval } from './types.ts';

export interface DurationEstimate extends Interval {
  /** The mean, in minutes; `value` is the median. */
  readonly mean: number;
  /** How far the estimate itself may be off, as a standard deviation of the logarithm. */
  readonly doubt: number;
}

export interface DurationModel {
  observe(attempt: Attempt): void;
  /** The median in minutes with an 80 % interval. */
  estimate(question: Pick<Question, 'record' | 'handler'>): DurationEstimate;
}

/** What a stated cost is taken for before the first attempt, in minutes. */
const usualMinutes: Readonly<Record<ResourceCost, number>> = { minimal: 15, moderate: 45, heavy: 120 };

/** Of the logarithm of minutes. */
const levels = [
  { name: 'all', spread: 1.5, isFixed: true },
  { name: 'handler', spread: 0.8 },
  { name: 'topic', spread: 0.5 },
  { name: 'finding', spread: 0.3 },
  { name: 'image', spread: 0.3 },
  { name: 'version', spread: 0.2 },
  { name: 'cost', spread: 0.5, isFixed: true },
  { name: 'record', spread: 0.3 },
] as const;

/** The z of an 80 % interval. */
const reach = 1.36;

/** Log-normal minutes by handler, topic, finding, image, version and stated cost. */
export function createDurationModel(halfLife: number): DurationModel {
  const effects = createEffects('gaussian', levels, halfLife);
  return {
    observe(attempt) {
      effects.add({
        keys: levelKeys(attempt),
        offset: offsetOf(attempt),
        value: Math.log(Math.max(0.1, attempt.minutes)),
        at: attempt.at,
        weight: attempt.weight,
      });
    },
    estimate(question) {
      const { mean, variance } = effects.at({ keys: levelKeys(question) });
      const centre = mean + offsetOf(question);
      const noise = effects.noise();
      const spread = Math.sqrt(noise + variance);
      return {
        value: Math.exp(centre),
        low: Math.exp(centre - reach * spread),
        high: Math.exp(centre + reach * spread),
        // The mean of what is known; without evidence the doubt alone would make it long.
        mean: Math.exp(centre + Math.min(2, noise + variance) / 2),
        doubt: Math.sqrt(variance),
      };
    },
  };
}

function offsetOf({ record }: Pick<Question, 'record'>): number {
  return Math.log(usualMinutes[record.estimates.resourceCost]);
}

const made = new WeakMap<Keys, readonly (string | undefined)[]>();

function levelKeys({ record, handler }: Pick<Question, 'record' | 'handler'>): readonly (string | undefined)[] {
  const keys = keysOf(record, handler);
  const known = made.get(keys);
  if (known !== undefined) return known;
  const { all, topic, finding, image, version, cost } = keys;
  const found = [all, handler, topic, finding, image, version, cost, keys.record];
  made.set(keys, found);
  return found;
}
