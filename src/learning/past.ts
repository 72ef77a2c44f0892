import { compareText } from '../util/compare.ts';
import type { Event, RecordView } from './types.ts';

/** An attempt that has ended, wherever it was written down. Times are hours, as in `Event`. */
export interface PastAttempt {
  readonly record: RecordView;
  readonly handler: string;
  readonly startedAt: number;
  readonly at: number;
  /** `vanished`: there was nothing left to fix. */
  readonly result: 'fixed' | 'failed' | 'vanished';
  /** Whether the engine itself has checked the result; otherwise someone has only reported it. */
  readonly isVerified: boolean;
}

export interface PastSettings {
  /** What a reported attempt counts for; a verified one counts 1. */
  readonly reported: number;
  /** Earlier attempts are left out. Hours. */
  readonly since?: number;
}

/** An event with what it counts for. */
export interface Weighted {
  readonly event: Exclude<Event, { readonly type: 'batch' }>;
  readonly weight: number;
}

/** Of attempts; the latest are kept. */
export const mostPast = 200_000;

/**
 * Reported attempts about one topic count together at most like so many verified ones, or like those that there are about
 * it: a worker that reports success a thousand times cannot outweigh what was checked.
 */
const mostUnchecked = 10;

/**
 * What is learned from attempts, in the order of time: each problem is opened before its first attempt, and comes back if it is
 * attempted, or seen, after it was fixed. The same attempts in another order give the same events.
 * @param seen When problems that are open now were last seen, by id of the record.
 */
export function eventsOfPast(
  attempts: readonly PastAttempt[],
  { reported, since = -Infinity }: PastSettings,
  seen: ReadonlyMap<string, number> = new Map(),
): readonly Weighted[] {
  const kept = attempts
    .filter(({ startedAt, at }) => at >= since && at >= startedAt)
    .toSorted(comparePast)
    .slice(-mostPast);
  const weightOf = weights(kept, reported);
  const events: Weighted[] = [];
  const opened = new Map<string, RecordView>();
  const fixed = new Map<string, number>();
  for (const attempt of kept) {
    const { record, handler, startedAt, at, result } = attempt;
    const { id } = record;
    if (opened.get(id) !== record) {
      opened.set(id, record);
      events.push({ event: { type: 'opened', at: startedAt, record }, weight: 1 });
    }
    const fixedAt = fixed.get(id);
    if (fixedAt !== undefined && result !== 'vanished') {
      fixed.delete(id);
      // What began before the fix had ended says nothing about how long it lasted.
      if (startedAt > fixedAt) events.push({ event: { type: 'recurred', at: startedAt, id }, weight: 1 });
    }
    if (result === 'vanished') events.push({ event: { type: 'vanished', at, id }, weight: 1 });
    else {
      const minutes = (at - startedAt) * 60;
      const isFixed = result === 'fixed';
      events.push({
        event: { type: 'outcome', at, id, handler, startedAt, minutes, fixed: isFixed },
        weight: weightOf(attempt),
      });
      if (isFixed) fixed.set(id, at);
    }
  }
  for (const [id, at] of fixed) {
    const again = seen.get(id);
    if (again !== undefined && again > at) events.push({ event: { type: 'recurred', at: again, id }, weight: 1 });
  }
  // Stable: what is opened for an attempt stays before it.
  return events.toSorted((a, b) => a.event.at - b.event.at);
}

/** By its end, then by everything else that could distinguish two. */
export function comparePast(a: PastAttempt, b: PastAttempt): number {
  return (
    a.at - b.at ||
    a.startedAt - b.startedAt ||
    compareText(a.record.id, b.record.id) ||
    compareText(a.handler, b.handler) ||
    compareText(a.result, b.result) ||
    Number(a.isVerified) - Number(b.isVerified)
  );
}

function weights(attempts: readonly PastAttempt[], reported: number): (attempt: PastAttempt) => number {
  const counts = new Map<string, { verified: number; reported: number }>();
  for (const { record, isVerified } of attempts) {
    const count = counts.get(record.topic) ?? { verified: 0, reported: 0 };
    count[isVerified ? 'verified' : 'reported'] += 1;
    counts.set(record.topic, count);
  }
  return ({ record, isVerified }) => {
    const count = counts.get(record.topic);
    if (isVerified || count === undefined) return 1;
    return Math.min(reported, Math.max(mostUnchecked, count.verified) / count.reported);
  };
}
