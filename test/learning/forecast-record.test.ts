import { describe, expect, it } from 'vitest';
import { recordOfForecasts } from '../../src/learning/forecast-record.ts';

describe('how forecasts have done', () => {
  it('is their Brier score, that of the rate, and a calibration table', () => {
    const record = recordOfForecasts([
      { probability: 0.02, happened: false },
      { probability: 0.1, happened: false },
      { probability: 0.1, happened: true },
      { probability: 1, happened: true },
    ]);
    expect(record).toMatchObject({ forecasts: 4, rate: 0.5, brierOfRate: 0.25 });
    expect(record?.brier).toBeCloseTo((0.0004 + 0.01 + 0.81 + 0) / 4, 10);
    expect(record?.calibration).toEqual([
      { from: 0, to: 0.05, forecasts: 1, expected: 0.02, seen: 0 },
      { from: 0.1, to: 0.2, forecasts: 2, expected: 0.1, seen: 0.5 },
      { from: 0.7, to: 1, forecasts: 1, expected: 1, seen: 1 },
    ]);
  });

  it('is nothing without forecasts', () => {
    expect(recordOfForecasts([])).toBeUndefined();
  });
});
