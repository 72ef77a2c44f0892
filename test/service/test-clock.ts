import type { Clock } from '../../src/service/scheduler.ts';

/** A clock that stands still until a test lets time pass. */
export interface TestClock extends Clock {
  /** Runs every timer that is due within the time, in its order, and what follows from it at once. */
  pass(ms: number): Promise<void>;
}

export function createTestClock(start: string): TestClock {
  let now = Date.parse(start);
  const timers = new Set<{ readonly at: number; readonly work: () => void }>();

  /** Promises that follow from a timer settle within a few turns of the event loop. */
  async function settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  }

  return {
    now: () => new Date(now),
    after(ms, work) {
      const timer = { at: now + ms, work };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async pass(ms) {
      const until = now + ms;
      await settle();
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at);
        if (next === undefined) break;
        timers.delete(next);
        now = Math.max(now, next.at);
        next.work();
        await settle();
      }
      now = until;
      await settle();
    },
  };
}
