/**
 * The numbers that estimates need: sums, and the standard normal, logistic and beta distributions. Absolute errors are below 1e-9 for beta parameters up
 * to a million, and below 1e-7 for the normal distribution.
 */

/** 80% of a standard normal distribution is within so many standard deviations. */
export const within80 = 1.2816;

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The probability whose log-odds these are. */
export function sigmoid(logOdds: number): number {
  return 1 / (1 + Math.exp(-logOdds));
}

/** The mean probability if the log-odds are normally distributed: D. MacKay, "The evidence framework", 1992. */
export function meanProbability(logOdds: number, variance: number): number {
  return sigmoid(logOdds / Math.sqrt(1 + (Math.PI / 8) * variance));
}

/** Halves an interval `steps` times around where `isBelow` changes from true to false. */
export function bisect(
  [from, to]: readonly [from: number, to: number],
  steps: number,
  isBelow: (value: number) => boolean,
): readonly [low: number, high: number] {
  let [low, high] = [from, to];
  for (let step = 0; step < steps; step++) {
    const middle = (low + high) / 2;
    if (isBelow(middle)) low = middle;
    else high = middle;
  }
  return [low, high];
}

/** Coefficients of Lanczos's approximation with g = 7 and nine terms: P. Godfrey, 2001. */
const lanczos: readonly number[] = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** The natural logarithm of the gamma function, for x > 0. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const base = x + 6.5;
  const [first = 0, ...rest] = lanczos;
  const series = rest.reduce((total, coefficient, index) => total + coefficient / (x + index), first);
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(base) - base + Math.log(series);
}

/** P(X ≤ x) for X ~ Beta(a, b): the regularised incomplete beta function. a, b > 0. */
export function betaCdf(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges fast on this side of the mean; the other side is its mirror image.
  if (x > (a + 1) / (a + b + 2)) return 1 - betaCdf(1 - x, b, a);
  const front = logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x);
  return (Math.exp(front) / a) * betaFraction(x, a, b);
}

/**
 * The x with P(X ≤ x) = p for X ~ Beta(a, b), by bisection: `betaCdf` only grows.
 * @param tolerance Of x. Default 1e-12.
 */
export function betaQuantile(p: number, a: number, b: number, tolerance = 1e-12): number {
  let [low, high] = [0, 1];
  for (let step = 0; step < 60 && high - low > tolerance; step++) {
    const middle = (low + high) / 2;
    if (betaCdf(middle, a, b) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(Z ≤ z) for a standard normal Z. Abramowitz and Stegun, 26.2.17. */
export function normalCdf(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const tail =
    (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return z > 0 ? 1 - tail : tail;
}

/** The continued fraction of the incomplete beta function, evaluated as Lentz does. DLMF 8.17.22. */
function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1), tiny);
  let value = d;
  for (let m = 1; m <= 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    let factor = 1;
    for (const term of [even, odd]) {
      d = 1 / nonZero(1 + term * d, tiny);
      c = nonZero(1 + term / c, tiny);
      factor = c * d;
      value *= factor;
    }
    if (Math.abs(factor - 1) < 1e-13) break;
  }
  return value;
}

function nonZero(value: number, tiny: number): number {
  return Math.abs(value) < tiny ? tiny : value;
}
