import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createRankSession, type RankSession } from '../../src/learning/session.ts';
import type { Event, RecordView } from '../../src/learning/types.ts';
import { defaultPrioritySettings, scoreOf, urgencies } from '../../src/priority/index.ts';
import { compareText } from '../../src/util/compare.ts';
import { anyOutcomes, anyRecords, opened, outcome, recordView } from './records.ts';

const Order = z.object({
  order: z.array(
    z.object({
      id: z.string(),
      handler: z.string(),
      success: z.number(),
      minutes: z.number(),
      low: z.number(),
      high: z.number(),
    }),
  ),
});
const Explained = z.object({
  score: z.number(),
  factors: z.array(z.object({ name: z.string(), value: z.number(), provenance: z.string(), reason: z.string() })),
});

function rankBy(session: RankSession, events: readonly Event[], open: readonly RecordView[], now = 100) {
  const line = { type: 'rank', now, take: open.length, events, open: open.map(({ id }) => id) };
  return Order.parse(session.answer(JSON.stringify(line))).order;
}

function explainBy(session: RankSession, id: string, now = 100) {
  return Explained.parse(session.answer(JSON.stringify({ type: 'explain', now, id })));
}

describe('before any attempt', () => {
  it('ranks by the published formula, with the handlers that triage named and the stated success', () => {
    fc.assert(
      fc.property(anyRecords, (records) => {
        const published = records
          .map((record) => ({ record, score: scoreOf(record.estimates, 1, defaultPrioritySettings) }))
          .sort(
            (a, b) =>
              b.score - a.score ||
              b.record.estimates.impact - a.record.estimates.impact ||
              urgencies.indexOf(a.record.estimates.urgency) - urgencies.indexOf(b.record.estimates.urgency) ||
              compareText(a.record.id, b.record.id),
          );
        const order = rankBy(createRankSession(), records.map(opened), records);
        expect(order.map(({ id, handler, success }) => ({ id, handler, success }))).toEqual(
          published.map(({ record }) => ({
            id: record.id,
            handler: 'port-reassignment',
            success: record.estimates.successProb,
          })),
        );
      }),
    );
  });
});

describe('an explanation', () => {
  it('lists factors that multiply to the score, each with its source', () => {
    fc.assert(
      fc.property(
        anyRecords.chain((records) => fc.tuple(fc.constant(records), anyOutcomes(records))),
        ([records, outcomes]) => {
          const session = createRankSession();
          rankBy(session, [...records.map(opened), ...outcomes], records);
          for (const { id } of records) {
            const { score, factors } = explainBy(session, id);
            const product = factors.reduce((value, factor) => value * factor.value, 1);
            expect(Math.abs(product / score - 1)).toBeLessThan(1e-9);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('names the attempts behind a learned estimate, and what the stated one counts for', () => {
    const session = createRankSession();
    const record = recordView({ handlers: ['port-reassignment'] });
    const attempts = Array.from({ length: 9 }, (_, at) => outcome({ at: at / 10, fixed: at < 7 }));
    rankBy(session, [opened(record), ...attempts], [record], 1);
    const success = explainBy(session, record.id, 1).factors.find(({ name }) => name === 'success');
    expect(success?.provenance).toBe('learned');
    expect(success?.reason).toContain('of 9 resolved by port-reassignment on PostgreSQL 17');
    expect(success?.reason).toMatch(/stated 0\.9 means 0\.\d+ by how such values have done, and counts as \d/);
  });
});

describe('what is learned', () => {
  it('prefers the handler that has done better on such problems', () => {
    const session = createRankSession();
    const records = Array.from({ length: 40 }, (_, index) => recordView({ id: `app/${index}` }));
    const attempts = records.map(({ id }, index) =>
      outcome({
        id,
        at: 1 + index / 10,
        handler: index % 2 === 0 ? 'agent' : 'port-reassignment',
        fixed: index % 2 === 0,
      }),
    );
    const next = recordView({ id: 'app/next' });
    const [first] = rankBy(session, [...records.map(opened), ...attempts, opened(next)], [next], 6);
    expect(first?.handler).toBe('agent');
  });

  it('tries a handler that is unknown if many problems of the topic wait, whatever else does', () => {
    const handlers = ['agent', 'person'];
    const known = Array.from({ length: 60 }, (_, index) => recordView({ id: `app/known-${index}`, handlers }));
    const attempts = known.map(({ id }, index) =>
      outcome({ id, at: 1 + index / 10, handler: 'agent', minutes: 60, fixed: index % 2 === 0 }),
    );
    const next = recordView({ id: 'app/next', handlers });
    const handlerBeside = (topic: string) => {
      const others = Array.from({ length: 40 }, (_, index) =>
        recordView({ id: `app/other-${index}`, handlers, topic }),
      );
      const session = createRankSession();
      const order = rankBy(session, [...[...known, ...others, next].map(opened), ...attempts], [...others, next]);
      return order.find(({ id }) => id === next.id)?.handler;
    };
    expect(handlerBeside(next.topic)).toBe('person');
    expect(handlerBeside('memory')).toBe('agent');
  });

  it('does not depend on the order of events of one moment', () => {
    fc.assert(
      fc.property(
        anyRecords.chain((records) =>
          fc.tuple(
            fc.constant(records),
            anyOutcomes(records).chain((all) => {
              const events = [...records.map(opened), ...oneEach(all)];
              return fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length }));
            }),
          ),
        ),
        ([records, [events, shuffled]]) => {
          expect(rankBy(createRankSession(), shuffled, records)).toEqual(rankBy(createRankSession(), events, records));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('never lowers an estimate after one more success of the same kind', () => {
    fc.assert(
      fc.property(
        anyRecords.chain((records) => fc.tuple(fc.constant(records), anyOutcomes(records))),
        ([records, outcomes]) => {
          const events = [...records.map(opened), ...outcomes];
          const asked = recordView({ ...records[0], id: 'asked', handlers: ['agent'] });
          const others = ['other/1', 'other/2'].map((id) => recordView({ ...asked, id }));
          const grown = (fixed: boolean) =>
            others.map(({ id }) => outcome({ id, at: 41, handler: 'agent', minutes: 30, fixed }));
          const [better, worse] = [true, false].map(
            (fixed) =>
              rankBy(createRankSession(), [...events, ...[asked, ...others].map(opened), ...grown(fixed)], [asked])[0],
          );
          expect(better?.success).toBeGreaterThan(worse?.success ?? 1);
        },
      ),
      { numRuns: 100 },
    );
  });
});

/** Of several attempts on one problem at one moment by one handler only the first, since no order is defined for them. */
function oneEach(outcomes: readonly Event[]): readonly Event[] {
  const seen = new Set<string>();
  return outcomes.filter((event) => {
    const key = `${event.at} ${'id' in event ? event.id : ''}`;
    return !seen.has(key) && seen.add(key);
  });
}

describe('a line that cannot be used', () => {
  it.each([
    ['{', 'not valid JSON'],
    ['[]', 'Invalid request: the line'],
    ['{"type":"guess"}', 'Invalid request: type'],
    ['{"type":"rank","now":1,"take":1,"events":[{"type":"recurred","at":1}],"open":[]}', 'events.0.id'],
    ['{"type":"explain","now":1,"id":"nobody/knows"}', 'No event has opened "nobody/knows".'],
  ])('is answered with its number and what is wrong: %s', (line, message) => {
    const session = createRankSession();
    session.answer('{"type":"start","seed":1,"workers":2,"scanHours":1}');
    expect(session.answer(line)).toMatchObject({
      error: {
        line: 2,
        message: expect.stringContaining(message),
        hint: expect.stringContaining('problems schema rank'),
      },
    });
  });

  it('changes nothing, and the next line is answered', () => {
    const [clean, disturbed] = [createRankSession(), createRankSession()];
    const record = recordView();
    rankBy(clean, [opened(record), outcome()], [record]);
    rankBy(disturbed, [opened(record), outcome()], [record]);
    const bad = { type: 'rank', now: 2, take: 1, events: [outcome({ fixed: false }), { type: 'outcome' }], open: [] };
    expect(disturbed.answer(JSON.stringify(bad))).toHaveProperty('error');
    expect(explainBy(disturbed, record.id)).toEqual(explainBy(clean, record.id));
  });

  it('names problems that no event has opened, and ranks the others', () => {
    const record = recordView();
    const line = { type: 'rank', now: 1, take: 5, events: [opened(record)], open: ['gone', record.id] };
    expect(createRankSession().answer(JSON.stringify(line))).toMatchObject({
      order: [{ id: record.id }],
      unknown: ['gone'],
    });
  });
});

describe('a start', () => {
  it('forgets everything, and has no answer', () => {
    const record = recordView();
    const session = createRankSession();
    rankBy(session, [opened(record), outcome({ fixed: false })], [record]);
    expect(session.answer('{"type":"start","seed":2,"workers":2,"scanHours":1}')).toBeUndefined();
    expect(rankBy(session, [opened(record)], [record])[0]?.success).toBe(0.9);
  });
});
