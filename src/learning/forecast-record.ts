import { sum } from './distributions.ts';

/** A forecast of something that then happened or did not. */
export interface Forecast {
  /** 0 to 1. */
  readonly probability: number;
  readonly happened: boolean;
}

/** How forecasts have done. */
export interface ForecastRecord {
  readonly forecasts: number;
  /** How often it happened, 0 to 1. */
  readonly rate: number;
  /** Mean squared error: G. Brier, "Verification of forecasts expressed in terms of probability", 1950. Lower is better. */
  readonly brier: number;
  /** The same if each forecast had been the rate. */
  readonly brierOfRate: number;
  /** Forecasts by size; bins without any are left out. */
  readonly calibration: readonly CalibrationBin[];
}

export interface CalibrationBin {
  /** Forecasts from here up to, and without, `to`. */
  readonly from: number;
  readonly to: number;
  readonly forecasts: number;
  /** Mean forecast. */
  readonly expected: number;
  /** How often it happened. */
  readonly seen: number;
}

const edges = [0, 0.05, 0.1, 0.2, 0.4, 0.7, 1] as const;

/** Undefined without a forecast. Each forecast must have been made before it was known what happened. */
export function recordOfForecasts(forecasts: readonly Forecast[]): ForecastRecord | undefined {
  if (forecasts.length === 0) return undefined;
  const rate = mean(forecasts.map(({ happened }) => Number(happened)));
  return {
    forecasts: forecasts.length,
    rate,
    brier: mean(forecasts.map(({ probability, happened }) => (probability - Number(happened)) ** 2)),
    brierOfRate: rate * (1 - rate),
    calibration: edges.slice(0, -1).flatMap((from, index) => {
      const to = edges[index + 1] ?? 1;
      const within = forecasts.filter(({ probability: p }) => p >= from && (p < to || (to === 1 && p === 1)));
      if (within.length === 0) return [];
      const expected = mean(within.map(({ probability }) => probability));
      const seen = mean(within.map(({ happened }) => Number(happened)));
      return [{ from, to, forecasts: within.length, expected, seen }];
    }),
  };
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
