import { describe, expect, it } from 'vitest';
import { forecastBatch, limitForecasts } from '../../src/app/forecast.ts';
import { forecastText } from '../../src/reporters/text/learning.ts';
import type { Creation, SampledDay } from '../../src/remediation/store/store.ts';
import { random } from '../learning/random.ts';

const start = Date.parse('2026-01-05T09:00:00Z');
const present = { hour: 10, instances: 12 };

/** Batches of three, every six hours: those with fixed ports collide in three of four cases, the others never. */
function creations(batches: number): readonly Creation[] {
  const next = random(5);
  return Array.from({ length: batches }, (_, batch) => {
    const explicitPort = next() < 0.5;
    const conflict = explicitPort && next() < 0.75;
    return [0, 1, 2].map((index) => {
      const at = start + batch * 6 * 3_600_000 + index * 60_000;
      return {
        instance: `i${batch}-${index}`,
        container: `c${batch}-${index}`,
        createdAt: new Date(at).toISOString(),
        startedAt: new Date(at + 30_000).toISOString(),
        explicitPort,
        conflict: conflict && index === 2,
        result: conflict && index === 2 ? 'failed' : 'started',
        instances: 12,
      } as const;
    });
  }).flat();
}

describe('the forecast of a batch', () => {
  it('learns from the creations that were seen, and says how it has done', () => {
    const seen = creations(120);
    const fixed = forecastBatch(seen, { size: 3, gapMinutes: 1, explicitPorts: 1 }, present);
    const chosen = forecastBatch(seen, { size: 3, gapMinutes: 1, explicitPorts: 0 }, present);
    expect(fixed.batches).toBe(120);
    expect(fixed.probability).toBeGreaterThan(0.55);
    expect(chosen.probability).toBeLessThan(0.12);
    expect(fixed.record?.brier).toBeLessThan((fixed.record?.brierOfRate ?? 0) * 0.8);
  });

  it('without history is that of batches in general, and says so', () => {
    const cold = forecastBatch([], { size: 3 }, present);
    expect(cold).toMatchObject({ batches: 0, record: null, batch: { hour: 10, instances: 12, size: 3 } });
    const ports = { range: '5433-5499', free: 60, perDay: 0, days: { value: null, low: null, high: null } };
    const text = forecastText({ conflict: cold, ports, limits: [], trends: null }, (_, words) => words);
    expect(text).toContain('No history yet, so these are defaults.');
    expect(text).toContain('Not full within a year.');
    expect(text).toContain('No history yet. `problems fleet` must see an instance on seven days.');
  });
});

describe('the forecast of limits', () => {
  const days = (memoryOf: (day: number) => number, sessionsOf: (day: number) => number | null): readonly SampledDay[] =>
    Array.from({ length: 20 }, (_, day) => ({
      instance: 'orders',
      day: new Date(start + day * 86_400_000).toISOString().slice(0, 10),
      limit: 1000,
      memory: memoryOf(day),
      killed: false,
      sessions: sessionsOf(day),
      maxConnections: 100,
    }));
  const now = new Date(start + 19 * 86_400_000);

  it('tells when memory and connections are used up, if they go on as they did', () => {
    const [memory, connections] = limitForecasts(
      days(
        (day) => 400 + day * 10,
        (day) => 40 + (day % 3),
      ),
      now,
    );
    expect(memory).toMatchObject({ instance: 'orders', of: 'memory', limit: 1000, now: 590 });
    expect(memory?.days.value).toBeCloseTo(41, 5);
    expect(connections).toMatchObject({ of: 'connections', days: { value: null } });
  });

  it('says nothing of connections that were too few to measure, nor from six days', () => {
    const found = limitForecasts(
      days(
        () => 400,
        () => null,
      ),
      now,
    );
    expect(found.map(({ of }) => of)).toEqual(['memory']);
    expect(
      limitForecasts(
        days(
          () => 400,
          () => 9,
        ).slice(0, 6),
        now,
      ),
    ).toEqual([]);
  });
});
