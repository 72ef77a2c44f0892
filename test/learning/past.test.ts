import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLearned } from '../../src/learning/history.ts';
import { eventsOfPast, type PastAttempt } from '../../src/learning/past.ts';
import { recordOfAttempts } from '../../src/learning/past-forecasts.ts';
import { defaultPrioritySettings } from '../../src/priority/index.ts';
import { recordView } from './records.ts';

function attempt(values: Partial<PastAttempt> = {}): PastAttempt {
  const { at = 10 } = values;
  return {
    record: recordView(),
    handler: 'port-reassignment',
    startedAt: at - 0.5,
    at,
    result: 'fixed',
    isVerified: true,
    ...values,
  };
}

const anyAttempts = fc.array(
  fc
    .record({
      id: fc.constantFrom('a', 'b', 'c'),
      handler: fc.constantFrom('port-reassignment', 'agent'),
      at: fc.integer({ min: 1, max: 50 }),
      took: fc.integer({ min: 0, max: 5 }),
      result: fc.constantFrom('fixed' as const, 'failed' as const, 'vanished' as const),
      isVerified: fc.boolean(),
    })
    .map(({ id, at, took, ...values }) => attempt({ record: viewOf(id), at, startedAt: at - took, ...values })),
  { maxLength: 40 },
);

const views = new Map(['a', 'b', 'c'].map((id) => [id, recordView({ id })]));

function viewOf(id: string) {
  return views.get(id) ?? recordView({ id });
}

describe('the events of past attempts', () => {
  it('do not depend on the order in which attempts are told', () => {
    fc.assert(
      fc.property(
        anyAttempts.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
        ([all, shuffled]) => {
          expect(eventsOfPast(shuffled, { reported: 0.5 })).toEqual(eventsOfPast(all, { reported: 0.5 }));
        },
      ),
    );
  });

  it('say that a problem came back when it is attempted, or seen, after it was fixed', () => {
    const record = recordView();
    const again = eventsOfPast([attempt({ record, at: 10 }), attempt({ record, at: 40 })], { reported: 1 });
    expect(again.map(({ event }) => `${event.type} ${event.at}`)).toEqual([
      'opened 9.5',
      'outcome 10',
      'recurred 39.5',
      'outcome 40',
    ]);
    const seen = eventsOfPast([attempt({ at: 10 })], { reported: 1 }, new Map([['app/ports', 30]]));
    expect(seen.at(-1)).toMatchObject({ event: { type: 'recurred', at: 30 } });
    const before = eventsOfPast([attempt({ at: 10 })], { reported: 1 }, new Map([['app/ports', 9]]));
    expect(before.at(-1)).toMatchObject({ event: { type: 'outcome' } });
  });

  it('leave out what ended before the learning began', () => {
    expect(eventsOfPast([attempt({ at: 10 }), attempt({ at: 20 })], { reported: 1, since: 15 })).toHaveLength(2);
  });
});

describe('a worker that always reports success', () => {
  function estimateAfter(lies: number): number {
    const verified = Array.from({ length: 12 }, (_, index) =>
      attempt({ record: recordView({ id: `v${index}` }), at: index + 1, result: index < 3 ? 'fixed' : 'failed' }),
    );
    const reported = Array.from({ length: lies }, (_, index) =>
      attempt({ record: recordView({ id: `l${index}` }), at: 20, isVerified: false }),
    );
    const learned = createLearned();
    for (const { event, weight } of eventsOfPast([...verified, ...reported], { reported: 0.5 }))
      learned.observe(event, weight);
    expect(learned.attempts(20)).toBeLessThan(12 + 12.001);
    const record = recordView({ id: 'next' });
    return learned.success.estimate({ record, handler: 'port-reassignment', failures: 0, hasWaited: true }).value;
  }

  it('counts at most as much as the verified runs about the same topic, however often it reports', () => {
    const [few, many, endless] = [estimateAfter(24), estimateAfter(1_000), estimateAfter(5_000)];
    expect(many).toBeLessThan(0.75);
    expect(Math.abs(endless - many)).toBeLessThan(0.05);
    expect(Math.abs(few - many)).toBeLessThan(0.1);
  });
});

describe('how forecasts of attempts have done', () => {
  it('compares each with what was known before it', () => {
    const attempts = Array.from({ length: 30 }, (_, index) =>
      attempt({ record: recordView({ id: `p${index}` }), at: index + 1, result: index % 3 === 0 ? 'failed' : 'fixed' }),
    );
    const record = recordOfAttempts(eventsOfPast(attempts, { reported: 1 }), defaultPrioritySettings);
    expect(record?.success.forecasts).toBe(30);
    expect(record?.success.rate).toBeCloseTo(2 / 3, 6);
    // The first is the stated 0.9, and failed.
    const first = recordOfAttempts(eventsOfPast(attempts.slice(0, 1), { reported: 1 }), defaultPrioritySettings);
    expect(first?.success.brier).toBeCloseTo(0.81, 6);
    expect(record?.minutes?.compared).toBe(30);
    expect(recordOfAttempts([], defaultPrioritySettings)).toBeUndefined();
  });
});
