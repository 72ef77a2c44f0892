import type { Clock } from '../../../src/service/scheduler.ts';

/** The time of the machine, which a test moves ahead: hours pass at once, while containers answer in real time. */
export interface MovedClock extends Clock {
  /** Runs each timer that is due then, once. */
  jump(ms: number): void;
  stop(): void;
}

export function createMovedClock(): MovedClock {
  let ahead = 0;
  const timers = new Set<{ readonly due: number; readonly work: () => void }>();

  function runDue(): void {
    const now = Date.now() + ahead;
    for (const timer of [...timers].filter(({ due }) => due <= now).toSorted((a, b) => a.due - b.due))
      if (timers.delete(timer)) timer.work();
  }
  const ticking = setInterval(runDue, 50);

  return {
    now: () => new Date(Date.now() + ahead),
    after(ms, work) {
      const timer = { due: Date.now() + ahead + ms, work };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    jump(ms) {
      ahead += ms;
      runDue();
    },
    stop: () => clearInterval(ticking),
  };
}
