import { type Forecast, type ForecastRecord, recordOfForecasts } from '../learning/forecast-record.ts';
import { forecastConflict, observeConflict, unobservedConflicts } from '../learning/port-conflicts.ts';
import { daysUntil, type Reach, type Trend, trendOf, valueOn } from '../learning/trend.ts';
import type { Batch } from '../learning/types.ts';
import { portSettings, portsOf, surveyPorts } from '../remediation/remediators/port-reassignment/index.ts';
import type { Creation, SampledDay } from '../remediation/store/store.ts';
import type { Remediation } from './open-remediation.ts';
import { batchesOf } from './samples.ts';

/** Instances that are about to be created together. What is left out is as in earlier batches. */
export type BatchQuestion = Partial<Omit<Batch, 'id' | 'instances'>>;

export interface Forecasts {
  readonly conflict: {
    readonly batch: Omit<Batch, 'id'>;
    /** That two instances of the batch get one port, or one of them a port that is in use. */
    readonly probability: number;
    /** How many batches were seen before. 0: the probability is that of batches in general. */
    readonly batches: number;
    /** How forecasts of those batches would have done, each made from the ones before it; null without a batch. */
    readonly record: ForecastRecord | null;
  };
  readonly ports: {
    readonly range: string;
    readonly free: number;
    /** Instances of today that were created in the last 90 days, per day. */
    readonly perDay: number;
    /** Days until the range is full, with an 80% interval. `null`: not within a year. */
    readonly days: Reach;
  };
  /** Instances that were seen on seven days or more, by name, then memory before connections. */
  readonly limits: readonly LimitForecast[];
  /** Of the values a week after they were forecast, the share within the 80 % interval; null if none could be compared. */
  readonly trends: { readonly compared: number; readonly within: number } | null;
}

export interface LimitForecast {
  readonly instance: string;
  readonly of: 'memory' | 'connections';
  /** Bytes, or sessions. */
  readonly limit: number;
  /** The highest of the last day. */
  readonly now: number;
  /** Until the days' highest values reach the limit. */
  readonly days: Reach;
}

const dayMs = 86_400_000;
const windowDays = 90;

/**
 * What to expect, from what was seen so far. Changes nothing.
 * @throws ProblemsError `engine-unreachable`.
 */
export async function forecast({ session }: Remediation, question: BatchQuestion = {}): Promise<Forecasts> {
  const { reader, store } = session;
  const now = session.now();
  const settings = portSettings(reader);
  const [{ id }, instances, survey] = await Promise.all([
    reader.docker.info(),
    reader.instances({ all: true }),
    surveyPorts(reader, settings),
  ]);
  const samples = store.samples(id);
  const ports = portsOf(settings.range);
  const free = ports.filter((port) => survey.holders(port).length === 0).length;
  const ages = instances.map(({ container }) => (now.getTime() - Date.parse(container.created)) / dayMs);
  const created = ages.filter((age) => age >= 0 && age < windowDays).length;
  const days = await samples.days();
  const limits = limitForecasts(days, now);
  return {
    conflict: forecastBatch(await samples.creations(), question, {
      hour: now.getUTCHours(),
      instances: instances.length,
    }),
    ports: {
      range: `${settings.range.first}-${settings.range.last}`,
      free,
      perDay: created / windowDays,
      days: untilFull(free, created),
    },
    limits,
    trends: trendRecord(days),
  };
}

/** The probability of a port conflict in a batch, and how such forecasts have done. */
export function forecastBatch(
  creations: readonly Creation[],
  question: BatchQuestion,
  present: { readonly hour: number; readonly instances: number },
): Forecasts['conflict'] {
  let model = unobservedConflicts;
  const forecasts: Forecast[] = [];
  const seen = batchesOf(creations);
  for (const { batch, conflict } of seen) {
    forecasts.push({ probability: forecastConflict(model, batch), happened: conflict });
    model = observeConflict(model, batch, conflict);
  }
  const usual = (of: (batch: Batch) => number, otherwise: number): number =>
    seen.length === 0 ? otherwise : seen.reduce((sum, { batch }) => sum + of(batch), 0) / seen.length;
  const batch = {
    hour: question.hour ?? present.hour,
    size: question.size ?? 1,
    gapMinutes: question.gapMinutes ?? 0,
    startMinutes: question.startMinutes ?? usual(({ startMinutes }) => startMinutes, 0.1),
    explicitPorts: question.explicitPorts ?? usual(({ explicitPorts }) => explicitPorts, 1),
    instances: present.instances,
  };
  return {
    batch,
    probability: forecastConflict(model, { id: '', ...batch }),
    batches: seen.length,
    record: recordOfForecasts(forecasts) ?? null,
  };
}

/** From the number of creations in the window: its square root has a standard deviation of about a half. */
function untilFull(free: number, created: number): Reach {
  const reach = (count: number): number | null => {
    if (free === 0) return 0;
    const days = (free / count) * windowDays;
    return days <= 365 ? days : null;
  };
  const root = Math.sqrt(created + 3 / 8);
  return { value: reach(created), low: reach((root + 0.64) ** 2), high: reach(Math.max(0, root - 0.64) ** 2) };
}

/** When the highest values of days reach the limit, if they go on as they did. */
export function limitForecasts(days: readonly SampledDay[], now: Date): readonly LimitForecast[] {
  const names = [...new Set(days.map(({ instance }) => instance))];
  return names.flatMap((instance) => {
    const own = days.filter(
      (day) => day.instance === instance && now.getTime() - Date.parse(day.day) < windowDays * dayMs,
    );
    const last = own.at(-1);
    if (last === undefined) return [];
    return (['memory', 'connections'] as const).flatMap((of) => {
      const limit = of === 'memory' ? last.limit : last.maxConnections;
      const values = valuesOf(own, of);
      const trend = trendOf(values);
      const latest = values.at(-1)?.[1];
      if (trend === undefined || latest === undefined || limit <= 0) return [];
      return [{ instance, of, limit, now: latest, days: daysUntil(trend, limit) }];
    });
  });
}

/** How many values of the next week were within the interval that the days before gave. */
function trendRecord(days: readonly SampledDay[]): Forecasts['trends'] {
  let [compared, within] = [0, 0];
  for (const instance of new Set(days.map((day) => day.instance))) {
    const own = days.filter((day) => day.instance === instance);
    for (const resource of ['memory', 'connections'] as const) {
      const values = valuesOf(own, resource);
      for (const [day, value] of values) {
        const trend: Trend | undefined = trendOf(
          values.filter(([before]) => before <= day - 7).map(([before, seen]) => [before - day + 7, seen]),
        );
        if (trend === undefined) continue;
        const { low, high } = valueOn(trend, 7);
        compared += 1;
        if (value >= low && value <= high) within += 1;
      }
    }
  }
  return compared === 0 ? null : { compared, within: within / compared };
}

/** By day, counted from the last one. */
function valuesOf(days: readonly SampledDay[], of: LimitForecast['of']): readonly (readonly [number, number])[] {
  const last = Date.parse(days.at(-1)?.day ?? '');
  return days.flatMap((day) => {
    const value = of === 'memory' ? day.memory : day.sessions;
    const at = (Date.parse(day.day) - last) / dayMs;
    return value === null || Number.isNaN(at) ? [] : [[at, value] as const];
  });
}
