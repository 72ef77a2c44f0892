import { describe, expect, it } from 'vitest';
import { betaCdf, betaQuantile, logGamma, normalCdf } from '../../src/learning/distributions.ts';

describe('the gamma function', () => {
  it('is the factorial of whole numbers', () => {
    let factorial = 1;
    for (let n = 1; n <= 20; n++) {
      expect(Math.exp(logGamma(n)) / factorial).toBeCloseTo(1, 9);
      factorial *= n;
    }
    expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.sqrt(Math.PI)), 9);
  });
});

describe('the beta distribution', () => {
  it.each([0.001, 0.1, 0.5, 0.9, 0.999])('has closed forms that agree at %d', (x) => {
    expect(betaCdf(x, 1, 1)).toBeCloseTo(x, 10);
    expect(betaCdf(x, 3, 1)).toBeCloseTo(x ** 3, 10);
    expect(betaCdf(x, 1, 4)).toBeCloseTo(1 - (1 - x) ** 4, 10);
    expect(betaCdf(x, 0.5, 0.5)).toBeCloseTo((2 / Math.PI) * Math.asin(Math.sqrt(x)), 10);
  });

  it('sums the binomial distribution', () => {
    // P(at least 8 of 10 with 0.7) = 0.3827827864
    expect(betaCdf(0.7, 8, 3)).toBeCloseTo(0.3827827864, 9);
  });

  it.each([
    [0.5, 0.5],
    [2, 9],
    [300.5, 12.5],
    [1e6, 1e6],
  ])('has quantiles that invert it for %d and %d', (a, b) => {
    for (const p of [0.05, 0.5, 0.95]) expect(betaCdf(betaQuantile(p, a, b), a, b)).toBeCloseTo(p, 7);
  });
});

describe('the normal distribution', () => {
  it.each([
    [0, 0.5],
    [1.6448536, 0.95],
    [-1.959964, 0.025],
    [6, 1],
  ])('at %d is %d', (z, p) => {
    expect(normalCdf(z)).toBeCloseTo(p, 6);
  });
});
