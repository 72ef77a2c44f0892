import { describe, expect, it } from 'vitest';
import { allocateMemory, exceedance, expectDemand } from '../../src/learning/memory-limits.ts';
import type { History } from '../../src/learning/types.ts';
import { memoryWorld } from './memory-world.ts';

const seeds = Array.from({ length: 12 }, (_, index) => index + 1);

function total(limits: Readonly<Record<string, number>>): number {
  return Object.values(limits).reduce((sum, limit) => sum + limit, 0);
}

describe('memory shared out by demand', () => {
  it.each([
    { days: 7, misfit: 0.6, fill: 0.3, spikes: 0, most: 0.05 },
    { days: 30, misfit: 0.4, fill: 0.33, spikes: 0, most: 0.05 },
    { days: 30, misfit: 0.6, fill: 0.33, spikes: 0, most: 0.05 },
    { days: 60, misfit: 0.6, fill: 0.33, spikes: 0.1, most: 0.05 },
    // Templates that are tight for everybody leave less to move.
    { days: 30, misfit: 0.5, fill: 0.45, spikes: 0, most: 0.12 },
  ])(
    'has at most $most of the kills of static sizes, from $days days (misfit $misfit, fill $fill, spikes $spikes)',
    ({ most, ...world }) => {
      let [before, after] = [0, 0];
      for (const seed of seeds) {
        const { histories, budget, killsWith } = memoryWorld({ instances: 40, growth: 0, ...world }, seed);
        const limits = allocateMemory(budget, histories);
        expect(total(limits)).toBeLessThanOrEqual(budget);
        expect(total(limits)).toBeGreaterThan(budget * 0.999);
        before += killsWith(({ limit }) => limit);
        after += killsWith(({ name }) => limits[name] ?? 0);
      }
      expect(before).toBeGreaterThan(100);
      expect(after / before).toBeLessThan(most);
    },
  );

  it('needs less than static sizes do: 70% of their budget, and still fewer kills', () => {
    let [before, after] = [0, 0];
    for (const seed of seeds) {
      const world = { instances: 40, days: 30, misfit: 0.6, fill: 0.33, spikes: 0, growth: 0 };
      const { histories, budget, killsWith } = memoryWorld(world, seed);
      const limits = allocateMemory(budget * 0.7, histories);
      expect(total(limits)).toBeLessThanOrEqual(budget * 0.7);
      before += killsWith(({ limit }) => limit);
      after += killsWith(({ name }) => limits[name] ?? 0);
    }
    expect(after / before).toBeLessThan(0.35);
  });

  it('gives larger templates more while there is no history', () => {
    const instances: readonly History[] = [
      { name: 'a', template: 'small', limit: 512, days: [] },
      { name: 'b', template: 'large', limit: 2048, days: [] },
    ];
    const limits = allocateMemory(5120, instances);
    expect(total(limits)).toBeCloseTo(5120, 3);
    expect((limits['b'] ?? 0) / (limits['a'] ?? 1)).toBeGreaterThan(2);
  });

  it('gives a new instance what instances of its template needed', () => {
    const days = Array.from({ length: 30 }, (_, day) => ({ peak: 180 + day, killed: false }));
    const known = ['a', 'b', 'c', 'd'].map((name) => ({ name, template: 'small', limit: 1000, days }));
    const [, , , , fresh] = expectDemand([...known, { name: 'new', template: 'small', limit: 1000, days: [] }]);
    expect(Math.exp(fresh?.location ?? 0)).toBeGreaterThan(150);
    expect(Math.exp(fresh?.location ?? 0)).toBeLessThan(350);
  });

  it('takes a killed day as a demand of at least the limit', () => {
    const day = (killed: boolean) => ({ peak: 500, killed });
    const days = Array.from({ length: 20 }, (_, index) => day(index % 4 === 0));
    const [quiet, killed] = expectDemand([
      { name: 'quiet', template: 'one', limit: 512, days: days.map(() => day(false)) },
      { name: 'killed', template: 'other', limit: 512, days },
    ]);
    if (quiet === undefined || killed === undefined) throw new Error('two instances have two demands');
    expect(exceedance(killed, 512)).toBeGreaterThan(exceedance(quiet, 512));
    expect(exceedance(killed, 512)).toBeGreaterThan(0.15);
    expect(exceedance(killed, 2048)).toBeLessThan(0.02);
  });

  it.each([
    { what: 'no instance', instances: [] },
    { what: 'one that was killed every day', instances: [always('a', 30)] },
    {
      what: 'peaks that no memory has',
      instances: [
        {
          ...always('a', 0),
          days: [
            { peak: Number.NaN, killed: false },
            { peak: -1, killed: true },
          ],
        },
      ],
    },
    { what: 'no limit', instances: [{ ...always('a', 5), limit: 0 }] },
  ])('stays within the budget with $what', ({ instances }) => {
    for (const budget of [0, 1, 1e12]) {
      const limits = allocateMemory(budget, instances);
      expect(Object.keys(limits)).toEqual(instances.map(({ name }) => name));
      for (const limit of Object.values(limits)) expect(limit).toBeGreaterThanOrEqual(0);
      expect(total(limits)).toBeLessThanOrEqual(budget);
    }
  });
});

function always(name: string, days: number): History {
  return {
    name,
    template: 'small',
    limit: 512,
    days: Array.from({ length: days }, () => ({ peak: 512, killed: true })),
  };
}
