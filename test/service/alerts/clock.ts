import type { Timers } from '../../../src/service/alerts/alerts.ts';

/** A clock that only the test moves, with the timers that run on it. */
export function testClock(start: string) {
  let at = Date.parse(start);
  let next = 0;
  const waiting = new Map<number, { readonly due: number; readonly run: () => void }>();
  const timers: Timers = {
    after(ms, run) {
      next += 1;
      const id = next;
      waiting.set(id, { due: at + ms, run });
      return () => waiting.delete(id);
    },
  };
  function advance(ms: number): void {
    const end = at + ms;
    for (;;) {
      const [first] = [...waiting].filter(([, { due }]) => due <= end).toSorted(([, a], [, b]) => a.due - b.due);
      if (first === undefined) break;
      const [id, { due, run }] = first;
      waiting.delete(id);
      at = Math.max(at, due);
      run();
    }
    at = end;
  }

  return {
    timers,
    now: () => new Date(at),
    /** Moves on, and runs each timer at its time. */
    advance,
    /** Moves on as when the machine was suspended: what was due runs once, late. */
    skip(ms: number): void {
      at += ms;
      advance(0);
    },
  };
}
