import { describe, expect, it } from 'vitest';
import { forecastConflict, observeConflict, unobservedConflicts } from '../../src/learning/port-conflicts.ts';
import type { Batch } from '../../src/learning/types.ts';
import { batches, drawPortWorld } from './port-world.ts';

const ordinary: Batch = {
  id: 'b',
  hour: 11,
  size: 4,
  gapMinutes: 5,
  startMinutes: 3,
  explicitPorts: 0.2,
  instances: 20,
};

describe('the forecast of port conflicts', () => {
  it('is better than the base rate by a fifth over fleets that differ', () => {
    let [error, baseError] = [0, 0];
    for (let seed = 1; seed <= 25; seed++) {
      const forecasts = forecastAll(seed, 400);
      const base = forecasts.filter(({ conflict }) => conflict).length / forecasts.length;
      for (const { forecast, conflict } of forecasts) {
        error += (forecast - (conflict ? 1 : 0)) ** 2;
        baseError += (base - (conflict ? 1 : 0)) ** 2;
      }
    }
    expect(error / baseError).toBeLessThan(0.8);
  });

  it('means what it says: conflicts are as frequent as forecast, from rare to likely ones', () => {
    const all = Array.from({ length: 25 }, (_, seed) => forecastAll(seed + 1, 400).slice(100)).flat();
    let gap = 0;
    for (let low = 0; low < 1; low += 0.1) {
      const within = all.filter(({ forecast }) => forecast >= low && forecast < low + 0.1);
      const expected = within.reduce((sum, { forecast }) => sum + forecast, 0);
      gap += Math.abs(within.filter(({ conflict }) => conflict).length - expected);
    }
    expect(gap / all.length).toBeLessThan(0.03);
  });

  it('knows before any batch what makes conflicts likely', () => {
    const cold = (change: Partial<Batch>): number => forecastConflict(unobservedConflicts, { ...ordinary, ...change });
    expect(cold({})).toBeGreaterThan(0.02);
    expect(cold({})).toBeLessThan(0.3);
    expect(cold({ size: 20 })).toBeGreaterThan(cold({}));
    expect(cold({ gapMinutes: 0.1 })).toBeGreaterThan(cold({}));
    expect(cold({ explicitPorts: 1 })).toBeGreaterThan(cold({}));
    expect(cold({ instances: 200 })).toBeGreaterThan(cold({}));
    expect(cold({ size: 1, explicitPorts: 0 })).toBeLessThan(cold({}));
  });

  it('rises after a conflict and falls after none, for batches like it', () => {
    const before = forecastConflict(unobservedConflicts, ordinary);
    expect(forecastConflict(observeConflict(unobservedConflicts, ordinary, true), ordinary)).toBeGreaterThan(before);
    expect(forecastConflict(observeConflict(unobservedConflicts, ordinary, false), ordinary)).toBeLessThan(before);
  });

  it('stays a probability, and of the same size, whatever a batch says', () => {
    const absurd = {
      ...ordinary,
      size: 1e300,
      gapMinutes: Number.NaN,
      startMinutes: Infinity,
      instances: -5,
      hour: 99,
    };
    let model = unobservedConflicts;
    for (let time = 0; time < 50; time++) {
      model = observeConflict(model, absurd, time % 2 === 0);
      for (const batch of [absurd, ordinary]) {
        expect(forecastConflict(model, batch)).toBeGreaterThan(0);
        expect(forecastConflict(model, batch)).toBeLessThan(1);
      }
    }
    expect(model.covariance.flat()).toHaveLength(unobservedConflicts.mean.length ** 2);
  });
});

/** Forecasts each batch before its result is seen. */
function forecastAll(
  seed: number,
  count: number,
): readonly { readonly forecast: number; readonly conflict: boolean }[] {
  let model = unobservedConflicts;
  return [...batches(drawPortWorld(seed), seed + 1000, count)].map(({ batch, conflict }) => {
    const forecast = forecastConflict(model, batch);
    model = observeConflict(model, batch, conflict);
    return { forecast, conflict };
  });
}
