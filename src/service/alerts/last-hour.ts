import type { InstanceView, ServiceView } from '../types.ts';
import type { RuleFacts } from './rules.ts';

/** Counters at one time. They only grow. */
interface Reading {
  /** In ms. */
  readonly at: number;
  readonly started: number;
  readonly failed: number;
  readonly oomKills: ReadonlyMap<string, number>;
}

const hourMs = 3_600_000;

/** Readings are at least this far apart, so there are at most 61. */
const stepMs = 60_000;

/** Readings of the last hour, oldest first. */
export type Readings = readonly Reading[];

/** Adds a reading of the view, and drops those older than an hour but for one, which shows what the hour began with. */
export function addReading(readings: Readings, view: ServiceView, now: string): Readings {
  const at = Date.parse(now);
  const last = readings.at(-1);
  if (last !== undefined && at - last.at < stepMs) return readings;
  const reading: Reading = {
    at,
    ...view.creations,
    oomKills: new Map(view.instances.map((instance) => [keyOf(instance), instance.oomKills])),
  };
  const first = readings.findLastIndex((one) => one.at <= at - hourMs);
  return [...readings.slice(Math.max(0, first)), reading];
}

/** What was counted since the first reading. Nothing without one: what came before the service started is not known. */
export function lastHourOf([first]: Readings, view: ServiceView): RuleFacts['lastHour'] {
  const { started, failed } = view.creations;
  return {
    creations: { started: increase(started, first?.started), failed: increase(failed, first?.failed) },
    // Of an instance that came since, all were counted since.
    oomKills: (instance) => increase(instance.oomKills, first && (first.oomKills.get(keyOf(instance)) ?? 0)),
  };
}

function increase(now: number, before: number | undefined): number {
  return Math.max(0, now - (before ?? now));
}

function keyOf({ engine, instance }: Pick<InstanceView, 'engine' | 'instance'>): string {
  return JSON.stringify([engine, instance]);
}
