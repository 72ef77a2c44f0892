import { describe, expect, it } from 'vitest';
import { learnedPolicy, oraclePolicy, publishedPolicy } from '../../bench/learning-policies.ts';
import { simulate } from '../../bench/learning-run.ts';
import { createWorld, usualWorld } from '../../bench/learning-world.ts';

describe('a fleet that ranks by what it has learned', () => {
  const world = createWorld(3, { ...usualWorld, problems: 400, days: 28 });
  const published = simulate(world, publishedPolicy());
  const learned = simulate(world, learnedPolicy());

  it('saves a quarter of the impact-hours of the published formula, and no more than one that knows everything', () => {
    const oracle = simulate(world, oraclePolicy(world));
    expect(learned.impactHours / published.impactHours).toBeLessThan(0.75);
    expect(learned.impactHours).toBeGreaterThan(0.9 * oracle.impactHours);
  });

  it('forecasts success nearly as well as the truth does, and minutes within 80% intervals', () => {
    const { attempts } = learned;
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const brier = mean(attempts.map(({ success, fixed }) => (success - Number(fixed)) ** 2));
    const perfect = mean(attempts.map(({ truth, fixed }) => (truth - Number(fixed)) ** 2));
    expect(brier - perfect).toBeLessThan(0.05);
    expect(mean(attempts.map(({ took, low, high }) => Number(took >= low && took <= high)))).toBeGreaterThan(0.74);
  });
});
