import { describe, expect, it } from 'vitest';
import { daysUntil, trendOf, valueOn } from '../../src/learning/trend.ts';
import { random } from './random.ts';

describe('a trend', () => {
  const line = (slope: number, days = 20) =>
    Array.from({ length: days }, (_, index) => [index - days + 1, 100 + slope * (index - days + 1)] as const);

  it('is the line through the days', () => {
    const trend = trendOf(line(2));
    expect(trend?.level).toBeCloseTo(100, 9);
    expect(trend?.slope).toBeCloseTo(2, 9);
    if (trend === undefined) throw new Error('twenty days have a trend');
    expect(daysUntil(trend, 150).value).toBeCloseTo(25, 6);
    expect(daysUntil(trend, 90)).toEqual({ value: 0, low: 0, high: 0 });
  });

  it('that does not rise reaches nothing, nor does one that takes more than a year', () => {
    for (const slope of [-1, 0, 0.1]) {
      const trend = trendOf(line(slope));
      expect(trend && daysUntil(trend, 150)).toEqual({ value: null, low: null, high: null });
    }
  });

  it('needs seven values on different days', () => {
    expect(trendOf(line(1, 6))).toBeUndefined();
    expect(trendOf(Array.from({ length: 9 }, () => [0, 5] as const))).toBeUndefined();
  });

  it('covers about 80% of the values a week ahead', () => {
    const next = random(3);
    const noise = () => (next() + next() + next() + next() - 2) * 10;
    let within = 0;
    const worlds = 1500;
    for (let world = 0; world < worlds; world++) {
      const slope = next() * 4 - 1;
      const trend = trendOf(line(slope, 30).map(([day, value]) => [day, value + noise()] as const));
      if (trend === undefined) throw new Error('thirty days have a trend');
      const { low, high } = valueOn(trend, 7);
      const value = 100 + slope * 7 + noise();
      if (value >= low && value <= high) within += 1;
    }
    expect(within / worlds).toBeGreaterThan(0.76);
    expect(within / worlds).toBeLessThan(0.84);
  });
});
