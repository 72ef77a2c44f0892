import type { PrioritySettings } from '../priority/index.ts';
import { type Forecast, type ForecastRecord, recordOfForecasts } from './forecast-record.ts';
import { createLearned, hoursToWait } from './history.ts';
import type { Weighted } from './past.ts';

/** How forecasts of attempts have done. */
export interface AttemptRecord {
  /** Of success. */
  readonly success: ForecastRecord;
  /** Of the attempts whose minutes are known, the share within the 80 % interval; null without one. */
  readonly minutes: { readonly compared: number; readonly within: number } | null;
}

/** Of attempts, the latest: each is forecast from all before it. */
const mostReplayed = 2_000;

/**
 * What would have been forecast for each attempt right before it, and what came of it. Undefined without an attempt.
 * @param events As `eventsOfPast` returns them.
 */
export function recordOfAttempts(
  events: readonly Weighted[],
  settings: PrioritySettings,
  halfLifeDays?: number,
): AttemptRecord | undefined {
  const learned = createLearned(settings, halfLifeDays);
  const forecasts: Forecast[] = [];
  let [left, compared, within] = [events.filter(({ event }) => event.type === 'outcome').length, 0, 0];
  for (const { event, weight } of events) {
    const record = event.type === 'outcome' ? learned.record(event.id) : undefined;
    if (event.type === 'outcome' && record !== undefined) {
      left -= 1;
      if (left < mostReplayed) {
        const { id, handler, startedAt, minutes, fixed } = event;
        const failures = learned.failures(id, handler);
        const hasWaited = hoursToWait(failures, startedAt, settings) === 0;
        const question = { record, handler, failures: failures?.count ?? 0, hasWaited };
        forecasts.push({ probability: learned.success.estimate(question).value, happened: fixed });
        const { low, high } = learned.duration.estimate(question);
        if (minutes > 0) {
          compared += 1;
          within += Number(minutes >= low && minutes <= high);
        }
      }
    }
    learned.observe(event, weight);
  }
  const success = recordOfForecasts(forecasts);
  if (success === undefined) return undefined;
  return { success, minutes: compared === 0 ? null : { compared, within: within / compared } };
}
