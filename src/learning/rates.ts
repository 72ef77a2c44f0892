import { betaCdf, betaQuantile } from './distributions.ts';
import type { Pair, Rate, Trial } from './types.ts';

/** From the first time up to, and without, the second. In the unit of `Trial.at`. */
type Period = readonly [from: number, to: number];

/** How many trials, and how many of them succeeded. */
export interface Tally {
  readonly trials: number;
  readonly successes: number;
}

/** How much of the distribution an interval of a rate covers. */
const coverage = 0.9;
/** Points at which one rate's distribution is compared with the other's. */
const points = 100;

/**
 * The rate of success of creations and of backups in two periods, with 90% intervals, and the probability that the
 * second is better. A period without trials has the rate 0.5 and the
 * interval from 0 to 1.
 */
export function compareRates(
  trials: readonly Trial[],
  before: Period,
  after: Period,
): { readonly creation: Pair; readonly backup: Pair } {
  const pair = (kind: Trial['kind']): Pair => comparePair(tally(trials, kind, before), tally(trials, kind, after));
  return { creation: pair('creation'), backup: pair('backup') };
}

/** Two rates, and the probability that the second is higher. */
export function comparePair(before: Tally, after: Tally): Pair {
  return { before: rateOf(before), after: rateOf(after), better: probabilityHigher(after, before) };
}

/**
 * The share of successes with Jeffreys' 90% interval: L. Brown, T. Cai and A. DasGupta, "Interval Estimation for a
 * Binomial Proportion", 2001. If all or none succeeded, the interval ends at 1 or 0, as they recommend.
 */
export function rateOf({ trials, successes }: Tally): Rate {
  if (trials === 0) return { rate: 0.5, low: 0, high: 1 };
  const [a, b] = posterior({ trials, successes });
  const tail = (1 - coverage) / 2;
  return {
    rate: successes / trials,
    low: successes === 0 ? 0 : betaQuantile(tail, a, b),
    high: successes === trials ? 1 : betaQuantile(1 - tail, a, b),
  };
}

/** P(rate of `one` > rate of `other`), each with Jeffreys' prior: the mean over equally likely values of `one`. */
function probabilityHigher(one: Tally, other: Tally): number {
  const [a, b] = posterior(one);
  const [c, d] = posterior(other);
  let sum = 0;
  for (let index = 0; index < points; index++) sum += betaCdf(betaQuantile((index + 0.5) / points, a, b, 1e-6), c, d);
  return sum / points;
}

function posterior({ trials, successes }: Tally): readonly [a: number, b: number] {
  return [successes + 0.5, trials - successes + 0.5];
}

function tally(trials: readonly Trial[], kind: Trial['kind'], [from, to]: Period): Tally {
  const within = trials.filter((trial) => trial.kind === kind && trial.at >= from && trial.at < to);
  return { trials: within.length, successes: within.filter(({ ok }) => ok).length };
}
