import { describe, expect, it } from 'vitest';
import { compareRates, rateOf } from '../../src/learning/rates.ts';
import type { Trial } from '../../src/learning/types.ts';
import { runsOf } from '../soak.ts';
import { random } from './random.ts';

describe('the interval of a rate', () => {
  it.each([
    { trials: 10, from: 0.5, to: 1 },
    { trials: 20, from: 0.5, to: 1 },
    { trials: 20, from: 0.7, to: 0.99 },
    { trials: 40, from: 0.8, to: 1 },
    { trials: 100, from: 0.9, to: 1 },
    { trials: 300, from: 0.85, to: 0.999 },
    { trials: 300, from: 0, to: 0.1 },
  ])('covers 86 to 94% of rates from $from to $to after $trials trials', ({ trials, from, to }) => {
    const next = random(trials);
    const worlds = runsOf(700);
    let covered = 0;
    for (let world = 0; world < worlds; world++) {
      const truth = from + (to - from) * next();
      let successes = 0;
      for (let trial = 0; trial < trials; trial++) if (next() < truth) successes++;
      const { low, high } = rateOf({ trials, successes });
      if (low <= truth && truth <= high) covered++;
    }
    expect(covered / worlds).toBeGreaterThan(0.86);
    expect(covered / worlds).toBeLessThan(0.94);
  });

  it('is everything without a trial, and ends at 1 if all succeeded', () => {
    expect(rateOf({ trials: 0, successes: 0 })).toEqual({ rate: 0.5, low: 0, high: 1 });
    expect(rateOf({ trials: 12, successes: 12 })).toMatchObject({ rate: 1, high: 1 });
    expect(rateOf({ trials: 12, successes: 0 })).toMatchObject({ rate: 0, low: 0 });
  });
});

describe('two periods', () => {
  const trials = (kind: Trial['kind'], at: number, successes: number, failures: number): readonly Trial[] =>
    Array.from({ length: successes + failures }, (_, index) => ({ at, kind, ok: index < successes }));

  it('are compared for creations and backups apart, without the end of a period', () => {
    const { creation, backup } = compareRates(
      [
        ...trials('creation', 0, 70, 30),
        ...trials('creation', 10, 95, 5),
        ...trials('backup', 9.9, 9, 1),
        ...trials('backup', 20, 0, 50),
      ],
      [0, 10],
      [10, 20],
    );
    expect(creation).toMatchObject({ before: { rate: 0.7 }, after: { rate: 0.95 } });
    expect(creation.better).toBeGreaterThan(0.999);
    expect(backup).toMatchObject({ before: { rate: 0.9 }, after: { rate: 0.5, low: 0, high: 1 } });
  });

  it('are as likely better as worse if they are equal, and the probabilities of both directions add up to 1', () => {
    const same = compareRates([...trials('backup', 0, 30, 3), ...trials('backup', 1, 30, 3)], [0, 1], [1, 2]);
    expect(same.backup.better).toBeCloseTo(0.5, 3);
    const mixed = [...trials('backup', 0, 8, 4), ...trials('backup', 1, 20, 1)];
    const sum = compareRates(mixed, [0, 1], [1, 2]).backup.better + compareRates(mixed, [1, 2], [0, 1]).backup.better;
    expect(sum).toBeCloseTo(1, 3);
  });

  it('are found better as often as they are', () => {
    // Of all comparisons with a probability near 0.8, the second period must be better in about 80%.
    const next = random(7);
    let [said, better, comparisons] = [0, 0, 0];
    for (let world = 0; world < runsOf(500); world++) {
      const [one, other] = [next(), next()];
      const draw = (truth: number, at: number): readonly Trial[] =>
        Array.from({ length: 15 }, () => ({ at, kind: 'creation', ok: next() < truth }) as const);
      const pair = compareRates([...draw(one, 0), ...draw(other, 1)], [0, 1], [1, 2]).creation;
      if (pair.better < 0.55 || pair.better > 0.95) continue;
      said += pair.better;
      if (other > one) better++;
      comparisons++;
    }
    expect(comparisons).toBeGreaterThan(60);
    expect(Math.abs(better / comparisons - said / comparisons)).toBeLessThan(0.08);
  });
});
