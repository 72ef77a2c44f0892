import type { ResourceCost } from '../priority/index.ts';
import { within80 } from './distributions.ts';
import { createEffects } from './effects.ts';
import type { Position } from './effects-cells.ts';
import type { Level } from './effects-fit.ts';
import { keysOf, settingOf } from './keys.ts';
import type { Question } from './success.ts';
import type { Attempt, Interval } from './types.ts';

export interface DurationEstimate extends Interval {
  /** The variance of the logarithm of minutes: of single attempts, and of what is not known about them. */
  readonly noise: number;
  readonly doubt: number;
}

export interface DurationModel {
  observe(attempt: Attempt): void;
  /** The median in minutes with an 80% interval. */
  estimate(question: Pick<Question, 'record' | 'handler'>): DurationEstimate;
}

/** What a stated cost is taken for before the first attempt, in minutes. */
const usualMinutes: Readonly<Record<ResourceCost, number>> = { minimal: 15, moderate: 45, heavy: 120 };

/** Of the logarithm of minutes. */
const levels = [
  { name: 'all', spread: 1 },
  { name: 'role', spread: 1.2 },
  { name: 'handler', spread: 0.6 },
  { name: 'topic', spread: 0.5 },
  { name: 'finding', spread: 0.3 },
  { name: 'finding by anyone', spread: 0.4 },
  { name: 'image', spread: 0.3 },
  { name: 'version', spread: 0.2 },
  { name: 'cost', spread: 0.5 },
] as const satisfies readonly Level[];

const recordSpread = 0.3;

/** Log-normal minutes by handler, topic, finding, image, version and stated cost. */
export function createDurationModel(halfLife: number): DurationModel {
  const effects = createEffects({ kind: 'gaussian', levels, subjectSpread: recordSpread, halfLife });
  return {
    observe(attempt) {
      effects.add({
        ...positionOf(attempt),
        value: Math.log(Math.max(0.1, attempt.minutes)) - offsetOf(attempt),
        at: attempt.at,
        weight: attempt.weight,
      });
    },
    estimate(question) {
      const { mean, variance } = effects.at(positionOf(question));
      const centre = mean + offsetOf(question);
      const noise = effects.noise();
      const spread = Math.sqrt(noise + variance);
      return {
        value: Math.exp(centre),
        low: Math.exp(centre - within80 * spread),
        high: Math.exp(centre + within80 * spread),
        noise,
        doubt: variance,
      };
    },
  };
}

function offsetOf({ record }: Pick<Question, 'record'>): number {
  return Math.log(usualMinutes[record.estimates.resourceCost]);
}

function positionOf({ record, handler }: Pick<Question, 'record' | 'handler'>): Position {
  return {
    subject: record,
    setting: () => [...settingOf(record), record.estimates.resourceCost],
    handler,
    keys: () => {
      const { all, role, topic, finding, findingByAnyone, image, version, cost } = keysOf(record, handler);
      return [all, role, handler, topic, finding, findingByAnyone, image, version, cost];
    },
  };
}
