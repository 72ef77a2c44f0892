import { describe, expect, it } from 'vitest';
import { explainScore } from '../../src/learning/explain.ts';
import { createLearned } from '../../src/learning/history.ts';
import { createLastingModel } from '../../src/learning/lasting.ts';
import { opened, outcome, recordView } from './records.ts';

/** The worked example of docs/learning.md, number by number. */
describe('the worked example', () => {
  it('counts recurrences at each level, and takes the rest from the level above', () => {
    const neverForgets = 1e12;
    const lasting = createLastingModel(neverForgets);
    const records = Array.from({ length: 10 }, (_, index) => recordView({ id: `app/${index}` }));
    for (const record of records) lasting.fixed(0, record, 'port-reassignment', 1);
    lasting.recurred(240, 'app/0');
    const seen = lasting.estimate(240, recordView(), 'port-reassignment', 14);
    expect(seen.recurrences).toBeCloseTo(1, 6);
    expect(seen.days).toBeCloseTo(100, 6);
    expect(seen.value).toBeCloseTo(0.931, 3);
    expect(lasting.estimate(240, recordView({ topic: 'memory' }), 'port-reassignment', 14).value).toBeCloseTo(0.927, 3);
    expect(lasting.estimate(240, recordView(), 'agent', 14).value).toBeCloseTo(0.912, 3);
  });

  it('blends the published score and the expected one half and half after 35 attempts', () => {
    const learned = createLearned();
    const record = recordView({ handlers: ['port-reassignment'] });
    learned.observe(opened(record));
    for (let index = 0; index < 35; index += 1) {
      const id = `app/${index}`;
      learned.observe(opened(recordView({ id })));
      learned.observe(outcome({ id, at: 1, fixed: index % 5 !== 0, minutes: 30 }));
    }
    const { score, factors } = explainScore(learned, record, 1);
    const value = (name: string) => factors.find((factor) => factor.name === name)?.value ?? Number.NaN;
    expect(value('impact')).toBeCloseTo(8, 9);
    expect(value('urgency')).toBeCloseTo(Math.sqrt(2.4 * 3), 9);
    expect(value('cooldown')).toBe(1);
    const success = learned.success.estimate({
      record,
      handler: 'port-reassignment',
      failures: 0,
      hasWaited: true,
    }).value;
    const { value: median, noise, doubt } = learned.duration.estimate({ record, handler: 'port-reassignment' });
    // Without a queue, doubt counts as if it were chance.
    const hours = (median / 60) * Math.exp((noise + doubt) / 2);
    const lasts = learned.lasting.estimate(1, record, 'port-reassignment', 14).value;
    expect(score).toBeCloseTo(Math.sqrt(10.368 * ((8 * 3 * success * lasts) / hours)), 9);
    expect(success).toBeGreaterThan(0.72);
    expect(success).toBeLessThan(0.88);
    expect(hours).toBeGreaterThan(0.45);
    expect(hours).toBeLessThan(0.7);
  });
});
