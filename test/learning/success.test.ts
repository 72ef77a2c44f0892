import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLearned } from '../../src/learning/history.ts';
import type { Event, OutcomeEvent, RecordView } from '../../src/learning/types.ts';
import { anyOutcomes, anyRecords, opened, outcome, recordView } from './records.ts';

/** Any history, and a kind of attempt that it may know much, little or nothing of. */
const anyHistory = anyRecords.chain((records) =>
  fc.record({
    records: fc.constant(records),
    outcomes: anyOutcomes(records),
    like: fc.constantFrom(...records),
    handler: fc.constantFrom('port-reassignment', 'agent', 'person'),
    others: fc.integer({ min: 1, max: 12 }),
  }),
);

/** After everything in the history, so that no attempt is forgotten more in one history than in the other. */
const latest = 40;

function estimateAfter(
  records: readonly RecordView[],
  outcomes: readonly OutcomeEvent[],
  question: { readonly record: RecordView; readonly handler: string },
): { readonly value: number; readonly low: number } {
  const learned = createLearned();
  const events: readonly Exclude<Event, { type: 'batch' }>[] = [
    ...records.map(opened),
    ...outcomes.toSorted((a, b) => a.at - b.at),
  ];
  for (const event of events) learned.observe(event);
  return learned.success.estimate({ ...question, failures: 0, hasWaited: true });
}

/** Attempts on problems of their own that are like another one. */
function attemptsLike(like: RecordView, handler: string, results: readonly boolean[]) {
  const problems = results.map((_, index) => recordView({ ...like, id: `other/${index}` }));
  const attempts = results.map((fixed, index) => outcome({ id: `other/${index}`, at: latest, handler, fixed }));
  return { problems, attempts };
}

describe('the estimate of success, whatever else is in the history', () => {
  it('is never lower after more successes of the same kind', () => {
    fc.assert(
      fc.property(anyHistory, ({ records, outcomes, like, handler, others }) => {
        const question = { record: recordView({ ...like, id: 'asked' }), handler };
        const anchored = [...outcomes, outcome({ id: records[0]?.id ?? '', at: latest })];
        const { problems, attempts } = attemptsLike(
          like,
          handler,
          Array.from({ length: others }, () => true),
        );
        const before = estimateAfter(records, anchored, question);
        const after = estimateAfter([...records, ...problems], [...anchored, ...attempts], question);
        expect(after.value).toBeGreaterThanOrEqual(before.value);
        expect(after.low).toBeGreaterThanOrEqual(before.low);
      }),
      { numRuns: 150 },
    );
  });

  it('is higher if one of those attempts succeeded in place of failing', () => {
    fc.assert(
      fc.property(
        anyHistory,
        fc.array(fc.boolean(), { maxLength: 12 }),
        ({ records, outcomes, like, handler }, rest) => {
          const question = { record: recordView({ ...like, id: 'asked' }), handler };
          const [better, worse] = [true, false].map((fixed) => {
            const { problems, attempts } = attemptsLike(like, handler, [fixed, ...rest]);
            return estimateAfter([...records, ...problems], [...outcomes, ...attempts], question).value;
          });
          expect(better).toBeGreaterThan(worse ?? 1);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('may be lower after successes where something else was stated: they show that stated values tell less', () => {
    const withStated = (id: string, successProb: number) =>
      recordView({ id, estimates: { ...recordView().estimates, successProb } });
    const even = Array.from({ length: 100 }, (_, index) => withStated(`even/${index}`, 0.5));
    const doubted = withStated('doubted', 0.1);
    const attempts = even.map(({ id }, index) => outcome({ id, at: latest, fixed: index % 2 === 0 }));
    const question = { record: withStated('asked', 0.9), handler: 'port-reassignment' };
    const before = estimateAfter(even, attempts, question);
    const after = estimateAfter([...even, doubted], [...attempts, outcome({ id: doubted.id, at: latest })], question);
    expect(after.value).toBeLessThan(before.value);
  });
});
