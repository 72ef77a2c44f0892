import fc from 'fast-check';
import type { Event, OutcomeEvent, RecordView } from '../../src/learning/types.ts';

/** A record of a port conflict, with what a test changes. */
export function recordView(values: Partial<RecordView> = {}): RecordView {
  return {
    id: 'app/ports',
    kind: 'active',
    class: 'resource-conflict',
    topic: 'port conflicts',
    finding: 'port-taken',
    instance: 'db',
    image: 'postgres',
    postgres: 17,
    estimates: { impact: 8, urgency: 'high', successProb: 0.9, resourceCost: 'moderate', provenance: 'stated' },
    handlers: ['port-reassignment', 'agent'],
    pattern: null,
    openedAt: 0,
    ...values,
  };
}

export function opened(record: RecordView): Extract<Event, { readonly type: 'opened' }> {
  return { type: 'opened', at: record.openedAt, record };
}

export function outcome(values: Partial<OutcomeEvent> = {}): OutcomeEvent {
  const { at = 1 } = values;
  return {
    type: 'outcome',
    at,
    id: 'app/ports',
    handler: 'port-reassignment',
    startedAt: at,
    minutes: 10,
    fixed: true,
    ...values,
  };
}

/** Records with ids of their own, alike enough that many score the same. */
export const anyRecords = fc
  .array(
    fc.record({
      impact: fc.integer({ min: 1, max: 10 }),
      urgency: fc.constantFrom('critical', 'high', 'medium', 'low'),
      successProb: fc.constantFrom(0.3, 0.5, 0.6, 0.9),
      resourceCost: fc.constantFrom('minimal', 'moderate', 'heavy'),
      provenance: fc.constantFrom('stated', 'derived'),
      topic: fc.constantFrom('port conflicts', 'memory'),
      finding: fc.constantFrom('a', 'b'),
      image: fc.constantFrom('postgres', 'postgis'),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .map((all) =>
    all.map(({ topic, finding, image, ...estimates }, index) =>
      recordView({ id: `app/${index}`, topic, finding, image, estimates, openedAt: index }),
    ),
  );

/** Attempts on these records, in any order, many of them at the same moment. */
export function anyOutcomes(records: readonly RecordView[]): fc.Arbitrary<readonly OutcomeEvent[]> {
  return fc.array(
    fc
      .record({
        record: fc.constantFrom(...records),
        handler: fc.constantFrom('port-reassignment', 'agent'),
        at: fc.integer({ min: 30, max: 40 }),
        minutes: fc.integer({ min: 1, max: 500 }),
        fixed: fc.boolean(),
      })
      .map(({ record, ...values }) => outcome({ id: record.id, ...values })),
    { maxLength: 40 },
  );
}
