import { describe, expect, it } from 'vitest';
import { checkSchedule, createScheduler, intervalMs, type Job, nextRun } from '../../src/service/scheduler.ts';
import type { JobView } from '../../src/service/types.ts';
import { createTestClock, type TestClock } from './test-clock.ts';

function start(
  job: Omit<Job, 'run'>,
  { clock, before = [], run }: { clock: TestClock; before?: readonly JobView[]; run: () => Promise<void> },
) {
  const scheduler = createScheduler({
    clock,
    jobs: [{ ...job, run }],
    before,
    firstStart: '2026-01-04T00:00:00.000Z',
    onJob: () => undefined,
  });
  scheduler.start();
  return scheduler;
}

function ended(name: Job['name'], lastStartedAt: string): JobView {
  return { name, schedule: '', lastStartedAt, lastEndedAt: lastStartedAt, lastFailure: null, nextAt: null };
}

describe('the scheduler', () => {
  it('runs a job by interval, and not a second time while it runs', async () => {
    const clock = createTestClock('2026-01-05T00:00:00Z');
    let runs = 0;
    let end: () => void = () => undefined;
    const scheduler = start(
      { name: 'light-look', schedule: '30s' },
      {
        clock,
        run: () => {
          runs += 1;
          return new Promise((resolve) => {
            end = resolve;
          });
        },
      },
    );
    await clock.pass(29_000);
    expect(runs).toBe(0);
    await clock.pass(1_000);
    expect(runs).toBe(1);
    await clock.pass(90_000);
    expect(runs).toBe(1);
    end();
    await clock.pass(30_000);
    expect(runs).toBe(2);
    end();
    await scheduler.stop();
    await clock.pass(90_000);
    expect(runs).toBe(2);
  });

  it('goes on after a failure, and says what failed', async () => {
    const clock = createTestClock('2026-01-05T00:00:00Z');
    let runs = 0;
    const scheduler = start(
      { name: 'light-look', schedule: '30s' },
      {
        clock,
        run: async () => {
          runs += 1;
          if (runs === 1) throw new Error('no engine');
        },
      },
    );
    await clock.pass(30_000);
    expect(scheduler.views()[0]).toMatchObject({ lastFailure: 'no engine', lastEndedAt: '2026-01-05T00:00:30.000Z' });
    await clock.pass(30_000);
    expect(scheduler.views()[0]).toMatchObject({ lastFailure: null, nextAt: '2026-01-05T00:01:30.000Z' });
    await scheduler.stop();
  });

  it.each([
    ['ran this Sunday', '2026-01-04T04:00:00.000Z', 0],
    ['last ran before the Sunday that no service ran', '2025-12-28T04:00:00.000Z', 1],
  ])('runs a missed job once when it starts: %s', async (_, last, expected) => {
    const clock = createTestClock('2026-01-07T12:00:00Z');
    let runs = 0;
    const scheduler = start(
      { name: 'drill', schedule: '0 4 * * 0' },
      {
        clock,
        before: [ended('drill', last)],
        run: async () => {
          runs += 1;
        },
      },
    );
    await clock.pass(1);
    expect(runs).toBe(expected);
    expect(scheduler.views()[0]?.nextAt).toBe('2026-01-11T04:00:00.000Z');
    // Four days, which is longer than one timer.
    await clock.pass(4 * 86_400_000);
    expect(runs).toBe(expected + 1);
    await scheduler.stop();
  });

  it('does not count as missed what was due before the service first ran', async () => {
    const clock = createTestClock('2026-01-04T05:00:00Z');
    let runs = 0;
    const scheduler = createScheduler({
      clock,
      jobs: [{ name: 'drill', schedule: '0 4 * * 0', run: async () => void (runs += 1) }],
      before: [],
      firstStart: '2026-01-04T05:00:00.000Z',
      onJob: () => undefined,
    });
    scheduler.start();
    await clock.pass(1_000);
    expect(runs).toBe(0);
    await scheduler.stop();
  });

  it('joins requests that come while a job runs into one run after it', async () => {
    const clock = createTestClock('2026-01-05T00:00:00Z');
    let runs = 0;
    const scheduler = start(
      { name: 'full-round', schedule: 'off' },
      {
        clock,
        run: async () => {
          runs += 1;
          await new Promise<void>((resolve) => void clock.after(1_000, resolve));
        },
      },
    );
    const asked = Promise.all([1, 2, 3].map(async () => scheduler.request('full-round')));
    await clock.pass(1_000);
    expect(runs).toBe(2);
    await clock.pass(1_000);
    await asked;
    expect(runs).toBe(2);
    await scheduler.stop();
  });
});

describe('a schedule', () => {
  it('is the first Sunday of the month for the drill of the archive', () => {
    expect(nextRun('0 6 * * 0#1', new Date('2026-01-05T00:00:00Z'))?.toISOString()).toBe('2026-02-01T06:00:00.000Z');
  });

  it.each(['soon', '61 * * * *', '* * * * * *', '0 0 30 2 *', '', '-5m', '5d'])('is refused: %s', (schedule) => {
    expect(() => checkSchedule(schedule, 'service.rounds')).toThrow(/service\.rounds/);
  });

  it.each(['off', '5m', '*/5 * * * *', '30 2 * * *', '0 6 * * 0#1'])('is accepted: %s', (schedule) => {
    expect(() => checkSchedule(schedule, 'service.rounds')).not.toThrow();
  });

  it('has intervals of seconds, minutes and hours', () => {
    expect(['30s', '5m', '2h', '0s', '1d', '5'].map(intervalMs)).toEqual([
      30_000,
      300_000,
      7_200_000,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
