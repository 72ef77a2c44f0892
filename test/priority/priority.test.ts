import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  comparePriorities,
  computePriority,
  defaultPrioritySettings,
  type PrioritySettings,
  type Ranked,
} from '../../src/priority/index.ts';
import type { Estimates } from '../../src/priority/types.ts';
import { resourceCosts, urgencies } from '../../src/priority/priority.ts';
import { estimates, impact, resourceCost, successProb, urgency } from './arbitrary.ts';

const elastic: PrioritySettings = { ...defaultPrioritySettings, profile: 'elastic' };

function of(
  impactValue: number,
  urgencyValue: Estimates['urgency']['value'],
  success: number,
  cost: Estimates['resourceCost']['value'],
): Estimates {
  return {
    impact: { value: impactValue, provenance: 'stated', reason: '' },
    urgency: { value: urgencyValue, provenance: 'stated', reason: '' },
    successProb: { value: success, provenance: 'stated', reason: '' },
    resourceCost: { value: cost, provenance: 'stated', reason: '' },
  };
}

function withCooldown(baseHours: number, maximumHours: number): PrioritySettings {
  return { ...defaultPrioritySettings, cooldown: { baseHours, maximumHours } };
}

const scale = fc.double({ min: 0.001, max: 1000, noNaN: true });
const hours = fc.oneof(fc.constantFrom(0, Number.MIN_VALUE, 100_000), fc.double({ min: 0, max: 100_000, noNaN: true }));

/** All that `checkPrioritySettings` lets through. */
const anySettings: fc.Arbitrary<PrioritySettings> = fc
  .constantFrom<PrioritySettings['profile']>('published', 'elastic')
  .chain((profile) => {
    const weight = profile === 'elastic' ? fc.double({ min: 0.001, max: 10, noNaN: true }) : scale;
    return fc.record({
      profile: fc.constant(profile),
      urgency: fc.record({ critical: scale, high: scale, medium: scale, low: scale }),
      cost: fc.record({ minimal: scale, moderate: scale, heavy: scale }),
      weights: fc.record({ impact: weight, urgency: weight, success: weight, cost: weight }),
      bands: fc.constant(defaultPrioritySettings.bands),
      cooldown: fc.record({ baseHours: hours, maximumHours: hours }),
    });
  });

const anyAttempts = fc.record({
  failures: fc.oneof(fc.nat(2000), fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MAX_VALUE)),
  hoursSinceFailure: fc.oneof(fc.constantFrom(0, Infinity), fc.double({ min: 0, noNaN: true })),
});

describe('the score', () => {
  it.each([
    [8, 'high', 0.9, 'moderate', 10.368, 'high'],
    [2, 'low', 0.95, 'minimal', 1.824, 'low'],
    [10, 'critical', 0.7, 'heavy', 8.96, 'high'],
    [10, 'critical', 1, 'minimal', 38.4, 'critical'],
    [5, 'medium', 0.5, 'minimal', 4.8, 'medium'],
  ] as const)('of %s, %s, %s and %s is exactly %s', (impactValue, urgencyValue, success, cost, score, band) => {
    expect(computePriority(of(impactValue, urgencyValue, success, cost))).toMatchObject({ score, band });
  });

  it('shows every factor with its scale, its weight and its result', () => {
    const { factors } = computePriority(of(8, 'high', 0.9, 'moderate'));
    expect(factors.map(({ name, scale, weight, weighted }) => [name, scale, weight, weighted])).toEqual([
      ['impact', 8, 1, 8],
      ['urgency', 3, 0.8, 2.4],
      ['success', 0.9, 0.6, 0.54],
      ['cost', 2, 0.5, 1],
      ['cooldown', 1, 1, 1],
    ]);
  });

  it.each([Number.NaN, Infinity, 0, 11, -1])('refuses an impact of %s', (value) => {
    expect(() => computePriority(of(value, 'high', 0.9, 'moderate'))).toThrow(
      expect.objectContaining({ code: 'bad-usage' }),
    );
  });

  it.each([Number.NaN, Infinity, 1.01, -0.1])('refuses a success probability of %s', (value) => {
    expect(() => computePriority(of(8, 'high', value, 'moderate'))).toThrow(
      expect.objectContaining({ code: 'bad-usage' }),
    );
  });

  it.each([
    { weights: { ...defaultPrioritySettings.weights, cost: 0 } },
    { urgency: { ...defaultPrioritySettings.urgency, low: Number.NaN } },
    { bands: { critical: 5, high: 8, medium: 3 } },
    { cost: {} },
    { weights: { impact: 1 } },
  ])('refuses the settings %j', (wrong) => {
    // JavaScript callers can omit what the type requires.
    const settings: PrioritySettings = Object.assign({}, defaultPrioritySettings, wrong);
    expect(() => computePriority(of(8, 'high', 0.9, 'moderate'), undefined, settings)).toThrow(
      expect.objectContaining({ code: 'bad-config' }),
    );
  });

  it('is finite for all allowed settings and attempts', () => {
    fc.assert(
      fc.property(estimates, anySettings, anyAttempts, (from, settings, attempts) => {
        const { score, factors } = computePriority(from, attempts, settings);
        for (const number of [score, ...factors.flatMap(({ scale, weighted }) => [scale, weighted])])
          expect(number).toSatisfy(Number.isFinite);
      }),
      { examples: [[of(8, 'high', 0.9, 'moderate'), withCooldown(0, 168), { failures: 1025, hoursSinceFailure: 0 }]] },
    );
  });

  it('never falls if one estimate improves, in either profile', () => {
    const settings = fc.constantFrom(defaultPrioritySettings, elastic);
    fc.assert(
      fc.property(estimates, impact, urgency, successProb, resourceCost, settings, (before, ...changes) => {
        const [impactValue, urgencyValue, success, cost, profile] = changes;
        const better: Estimates[] = [
          { ...before, impact: { ...before.impact, value: Math.max(before.impact.value, impactValue) } },
          { ...before, urgency: { ...before.urgency, value: earlier(urgencies, before.urgency.value, urgencyValue) } },
          { ...before, successProb: { ...before.successProb, value: Math.max(before.successProb.value, success) } },
          {
            ...before,
            resourceCost: { ...before.resourceCost, value: earlier(resourceCosts, before.resourceCost.value, cost) },
          },
        ];
        const score = computePriority(before, undefined, profile).score;
        for (const after of better)
          expect(computePriority(after, undefined, profile).score).toBeGreaterThanOrEqual(score);
      }),
    );
  });
});

function earlier<Value>(order: readonly Value[], a: Value, b: Value): Value {
  return order.indexOf(a) < order.indexOf(b) ? a : b;
}

describe('the weights', () => {
  const costly = of(10, 'low', 1, 'heavy');
  const cheap = of(4, 'low', 1, 'minimal');

  it('do not change the order if they are factors', () => {
    fc.assert(
      fc.property(estimates, estimates, fc.double({ min: 0.1, max: 5, noNaN: true }), (a, b, weight) => {
        const settings = { ...defaultPrioritySettings, weights: { impact: weight, urgency: 1, success: 1, cost: 1 } };
        const usual = computePriority(a).score - computePriority(b).score;
        const weighted = computePriority(a, undefined, settings).score - computePriority(b, undefined, settings).score;
        // Scores are rounded, so only differences well above the rounding count.
        fc.pre(Math.abs(usual) > 1e-4 && Math.abs(weighted) > 1e-4);
        expect(Math.sign(weighted)).toBe(Math.sign(usual));
      }),
    );
  });

  it('change the order in the elastic profile, where they are exponents', () => {
    expect(computePriority(costly).score).toBeLessThan(computePriority(cheap).score);
    expect(computePriority(costly, undefined, elastic).score).toBeGreaterThan(
      computePriority(cheap, undefined, elastic).score,
    );
  });
});

describe('the cooldown', () => {
  const cooldown = (failures: number, hoursSinceFailure: number): number | undefined =>
    computePriority(of(8, 'high', 0.9, 'moderate'), { failures, hoursSinceFailure }).factors.at(-1)?.scale;

  it('is 1 if nothing has failed', () => expect(cooldown(0, 0)).toBe(1));

  it.each([
    [1, 2],
    [2, 3],
    [3, 5],
    [4, 8],
    [5, 8],
    [5000, 8],
  ])('after failure number %s is %s at once', (failures, factor) => expect(cooldown(failures, 0)).toBe(factor));

  it('falls to 1 as the waiting period passes', () => {
    expect([0, 6, 12, 24, 1000].map((hours) => cooldown(1, hours))).toEqual([2, 1.75, 1.5, 1, 1]);
  });

  it.each([
    [-1, 0],
    [0.5, 0],
    [1, -1],
    [1, Number.NaN],
  ])('refuses %s failures and %s hours', (failures, hours) => {
    expect(() => cooldown(failures, hours)).toThrow(expect.objectContaining({ code: 'bad-usage' }));
  });
});

describe('the order of tasks', () => {
  const tie = of(8, 'high', 0.9, 'moderate');
  const ranked = (rest: Partial<Ranked>): Ranked => ({ id: 'm', priority: { score: 5 }, estimates: tie, ...rest });

  it.each<[string, Partial<Ranked>, Partial<Ranked>]>([
    ['score', { priority: { score: 6 } }, { priority: { score: 5 }, estimates: of(10, 'high', 1, 'minimal') }],
    ['impact', { estimates: of(9, 'low', 0.9, 'moderate') }, { estimates: of(8, 'critical', 0.9, 'moderate') }],
    ['urgency', { estimates: of(8, 'critical', 0.9, 'moderate'), severity: 'low' }, { severity: 'critical' }],
    [
      'severity',
      { severity: 'high', lastOccurrence: '2025-01-01' },
      { severity: 'medium', lastOccurrence: '2025-02-01' },
    ],
    ['severity, where one has none', { severity: 'low' }, {}],
    ['last occurrence', { lastOccurrence: '2025-01-01T00:01', id: 'z' }, { lastOccurrence: '2025-01-01', id: 'a' }],
    [
      'last occurrence, whatever its zone',
      { lastOccurrence: '2025-01-01T10:00Z' },
      { lastOccurrence: '2025-01-01T11:00+02:00' },
    ],
    ['last occurrence, where one has none', { lastOccurrence: '2025-01-01', id: 'z' }, { id: 'a' }],
    ['id', { id: 'a' }, { id: 'b' }],
  ])('depends on %s', (_, first, second) => {
    expect(comparePriorities(ranked(first), ranked(second))).toBeLessThan(0);
    expect(comparePriorities(ranked(second), ranked(first))).toBeGreaterThan(0);
  });

  it('never treats two different tasks as equal', () => expect(comparePriorities(ranked({}), ranked({}))).toBe(0));
});
