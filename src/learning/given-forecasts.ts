import { type Forecast, recordOfForecasts } from './forecast-record.ts';
import { comparePast, type PastAttempt } from './past.ts';
import type { AttemptRecord } from './past-forecasts.ts';

/** What was said about the next attempt of one handler on one record, when it was said. */
export interface GivenForecast {
  /** Hours, as in `Event`. */
  readonly at: number;
  /** Its id. */
  readonly record: string;
  readonly handler: string;
  /** Probability of success. */
  readonly success: number;
  /** Minutes: the 80% interval. */
  readonly low: number;
  readonly high: number;
}

/**
 * How forecasts have done that were noted when they were given. Each is compared with the first attempt that began after it,
 * and each attempt with the latest forecast before it. Undefined if there is no such pair.
 */
export function recordOfGiven(
  given: readonly GivenForecast[],
  attempts: readonly PastAttempt[],
): AttemptRecord | undefined {
  const byTask = Map.groupBy(given, ({ record, handler }) => JSON.stringify([record, handler]));
  /** When the latest attempt on it ended: what was said earlier has been compared. */
  const ended = new Map<string, number>();
  const forecasts: Forecast[] = [];
  let [compared, within] = [0, 0];
  for (const { record, handler, startedAt, at, result } of attempts.toSorted(comparePast)) {
    const key = JSON.stringify([record.id, handler]);
    const since = ended.get(key) ?? -Infinity;
    ended.set(key, at);
    const said = byTask
      .get(key)
      ?.filter((one) => one.at >= since && one.at <= startedAt)
      .reduce<GivenForecast | undefined>(
        (late, one) => (late !== undefined && late.at > one.at ? late : one),
        undefined,
      );
    // Nothing was tried on what had gone away.
    if (said === undefined || result === 'vanished') continue;
    forecasts.push({ probability: said.success, happened: result === 'fixed' });
    const minutes = (at - startedAt) * 60;
    // 0: nothing tells how long it took.
    if (minutes <= 0) continue;
    compared += 1;
    within += Number(minutes >= said.low && minutes <= said.high);
  }
  const success = recordOfForecasts(forecasts);
  return success === undefined
    ? undefined
    : { success, minutes: compared === 0 ? null : { compared, within: within / compared } };
}
