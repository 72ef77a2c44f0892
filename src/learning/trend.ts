import { sum, within80 } from './distributions.ts';
import type { Interval } from './types.ts';

/** A straight line through daily values, by least squares. */
export interface Trend {
  /** On the last day. */
  readonly level: number;
  /** Per day. */
  readonly slope: number;
  /** Standard error of the slope. */
  readonly slopeError: number;
  /** Standard deviation of the days around the line. */
  readonly residual: number;
  readonly days: number;
  /** Mean and sum of squared distances of the days, for the error of the line away from them. */
  readonly centre: number;
  readonly spread: number;
}

/**
 * Undefined with fewer than seven values.
 * @param values Day (0 is the last one, earlier ones are negative) and value.
 */
export function trendOf(values: readonly (readonly [day: number, value: number])[]): Trend | undefined {
  const days = values.length;
  if (days < 7) return undefined;
  const centre = sum(values.map(([day]) => day)) / days;
  const middle = sum(values.map(([, value]) => value)) / days;
  const spread = sum(values.map(([day]) => (day - centre) ** 2));
  if (spread === 0) return undefined;
  const slope = sum(values.map(([day, value]) => (day - centre) * (value - middle))) / spread;
  const squares = sum(values.map(([day, value]) => (value - middle - slope * (day - centre)) ** 2));
  const residual = Math.sqrt(squares / (days - 2));
  const slopeError = residual / Math.sqrt(spread);
  return { level: middle - slope * centre, slope, slopeError, residual, days, centre, spread };
}

/** The value of one day, counted from the last one, with its 80% interval. */
export function valueOn({ level, slope, residual, days, centre, spread }: Trend, day: number): Interval {
  const value = level + slope * day;
  const error = residual * Math.sqrt(1 + 1 / days + (day - centre) ** 2 / spread);
  return { value, low: value - within80 * error, high: value + within80 * error };
}

/** Days, and the ends of their 80% interval. `null`: not within a year. */
export interface Reach {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** Days until the line reaches a bound. 0: it is there. */
export function daysUntil(trend: Trend, bound: number): Reach {
  const reach = (slope: number): number | null => {
    if (trend.level >= bound) return 0;
    const days = slope <= 0 ? Infinity : (bound - trend.level) / slope;
    return days > 365 ? null : days;
  };
  const { slope, slopeError } = trend;
  return { value: reach(slope), low: reach(slope + within80 * slopeError), high: reach(slope - within80 * slopeError) };
}
