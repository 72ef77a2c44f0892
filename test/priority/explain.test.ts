import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comparePriorities, computePriority, type Explainable, explainPriority } from '../../src/priority/index.ts';
import type { Attempts, Estimates } from '../../src/priority/types.ts';
import { estimates } from './arbitrary.ts';

function task(problem: string, kind: string, from: Estimates, attempts?: Attempts): Explainable {
  return { id: `${kind}-${problem}`, problem, estimates: from, priority: computePriority(from, attempts) };
}

function stated(
  impact: number,
  urgency: Estimates['urgency']['value'],
  successProb: number,
  resourceCost: Estimates['resourceCost']['value'],
): Estimates {
  return {
    impact: { value: impact, provenance: 'stated', reason: '' },
    urgency: { value: urgency, provenance: 'stated', reason: '' },
    successProb: { value: successProb, provenance: 'stated', reason: '' },
    resourceCost: { value: resourceCost, provenance: 'stated', reason: '' },
  };
}

const backup = stated(10, 'critical', 0.7, 'heavy');
const pool = stated(9, 'high', 0.8, 'moderate');
const tasks = [
  task('backup', 'investigation', backup),
  task('backup', 'resolution', backup),
  task('pool', 'resolution', pool),
];

describe('an explanation', () => {
  it('gives the rank, the factors and the next higher task of another problem', () => {
    expect(explainPriority('resolution-backup', tasks)).toMatchObject({
      rank: 3,
      of: 3,
      priority: {
        score: 8.96,
        factors: [{ name: 'impact' }, { name: 'urgency' }, { name: 'success' }, { name: 'cost' }, { name: 'cooldown' }],
      },
      above: { id: 'resolution-pool', score: 10.368 },
    });
  });

  it('names the smallest change of each estimate that moves the task up, or says that none does', () => {
    expect(explainPriority('resolution-backup', tasks)?.changes).toEqual([
      { estimate: 'impact', from: 10, to: null, score: 8.96 },
      { estimate: 'urgency', from: 'critical', to: null, score: 8.96 },
      // 0.81 gives the same score as the pool; the higher impact wins the tie: 10 against 9.
      { estimate: 'successProb', from: 0.7, to: 0.81, score: 10.368 },
      { estimate: 'resourceCost', from: 'heavy', to: 'moderate', score: 13.44 },
    ]);
  });

  it('suggests no change for the highest task', () => {
    expect(explainPriority('resolution-pool', tasks)).toMatchObject({
      rank: 1,
      above: null,
      changes: [],
      waiting: null,
    });
  });

  it('is undefined for an unknown task', () => expect(explainPriority('x', tasks)).toBeUndefined());

  it('suggests changes that move the task up, and no smaller step would', () => {
    fc.assert(
      fc.property(estimates, estimates, (one, other) => {
        const pair = [task('one', 'resolution', one), task('other', 'resolution', other)].toSorted(comparePriorities);
        const [above, below] = pair;
        if (above === undefined || below === undefined) return;
        for (const change of explainPriority(below.id, pair)?.changes ?? []) {
          if (change.to === null) continue;
          const better = changed(below.estimates, change.estimate, change.to);
          const moved = { ...below, estimates: better, priority: computePriority(better) };
          expect(comparePriorities(moved, above)).toBeLessThan(0);
          if (typeof change.to !== 'number' || typeof change.from !== 'number') continue;
          const step = change.estimate === 'impact' ? 0.1 : 0.01;
          const less = changed(below.estimates, change.estimate, Math.max(change.from, change.to - step));
          expect(
            comparePriorities({ ...below, estimates: less, priority: computePriority(less) }, above),
          ).toBeGreaterThan(0);
        }
      }),
    );
  });

  it('gives no waiting time if no attempt has failed', () => {
    expect(explainPriority('resolution-backup', tasks)?.waiting).toBeNull();
  });

  it.each([
    // 24 of 24 hours are left: when they end, the scores are equal, and the id decides the tie.
    ['a', stated(10, 'critical', 1, 'minimal'), { failures: 1, hoursSinceFailure: 0 }, { hours: 24, score: 38.4 }],
    ['z', stated(10, 'critical', 1, 'minimal'), { failures: 1, hoursSinceFailure: 0 }, { hours: null, score: 38.4 }],
    // 9 × 3.2 × 0.6 ÷ 0.5 = 34.56 is never enough.
    ['a', stated(9, 'critical', 1, 'minimal'), { failures: 2, hoursSinceFailure: 40 }, { hours: null, score: 34.56 }],
  ] as const)('says what waiting for the end of the cooldown would do: %s', (problem, from, attempts, waiting) => {
    const other = task('m', 'resolution', stated(10, 'critical', 1, 'minimal'));
    const pair = [task(problem, 'resolution', from, attempts), other];
    expect(explainPriority(`resolution-${problem}`, pair)).toMatchObject({ rank: 2, waiting });
  });

  it('gives the waiting time after which the task moves up, exact to the hour', () => {
    const failed = fc.record({ failures: fc.integer({ min: 1, max: 6 }), hoursSinceFailure: fc.nat(200) });
    fc.assert(
      fc.property(estimates, estimates, failed, (one, other, attempts) => {
        const pair = [task('one', 'resolution', one, attempts), task('other', 'resolution', other)];
        const explanation = explainPriority('resolution-one', pair);
        const [waiting, above] = [explanation?.waiting, pair[1]];
        if (waiting?.hours === undefined || waiting.hours === null || above === undefined) return;
        const after = (hours: number): number => {
          const hoursSinceFailure = attempts.hoursSinceFailure + hours;
          return comparePriorities(task('one', 'resolution', one, { ...attempts, hoursSinceFailure }), above);
        };
        expect(after(waiting.hours)).toBeLessThan(0);
        expect(after(waiting.hours - 1)).toBeGreaterThan(0);
      }),
    );
  });
});

function changed(from: Estimates, name: keyof Estimates, value: string | number): Estimates {
  return { ...from, [name]: { ...from[name], value } };
}
