import { bisect, logGamma, normalCdf, sum } from './distributions.ts';
import type { History } from './types.ts';

/** What one day of an instance is expected to need: the logarithm of memory has Student's t distribution. */
export interface Demand {
  readonly name: string;
  /** The logarithm of the demand of a day in the middle. */
  readonly location: number;
  readonly scale: number;
  readonly degrees: number;
}

/** Days after which a day counts half. */
const halfLife = 45;
/** As how many days the variation of the whole fleet counts for one instance. */
const fleetDays = 8;
/** Without any history, a day needs half of the limit, within a factor of 1.6 either way for two of three days. */
const [usualDemand, usualSpread] = [Math.log(0.5), 0.5];
/** How far instances differ from the mean of their template, in logarithms. */
const between = 0.8;
const rounds = 30;

/**
 * Shares a budget of memory out so that the fewest days in all are expected to exceed a limit. Every instance gets at
 * least a day in the middle, if the budget has that; the rest goes to where one more byte prevents most.
 * @param budget In the unit of the histories.
 * @returns A limit for each name. Their sum is at most the budget, and just about all of it is given out.
 */
export function allocateMemory(budget: number, instances: readonly History[]): Readonly<Record<string, number>> {
  const demands = expectDemand(instances);
  const medians = demands.map(({ location }) => Math.exp(location));
  const needed = sum(medians);
  const limits = needed >= budget ? medians.map((one) => (one / needed) * budget) : limitsWithin(budget, demands);
  // Rounding must not exceed the budget.
  const share = Math.min(1, budget / (sum(limits) || 1)) * (1 - 1e-12);
  return Object.fromEntries(demands.map(({ name }, index) => [name, Math.max(0, at(limits, index) * share)]));
}

/** The probability that one day needs more than the limit. */
export function exceedance({ location, scale, degrees }: Demand, limit: number): number {
  if (limit <= 0) return 1;
  const z = (Math.log(limit) - location) / scale;
  // The normal approximation of Student's t by D. Wallace, 1959.
  const normal = ((8 * degrees + 1) / (8 * degrees + 3)) * Math.sqrt(degrees * Math.log1p((z * z) / degrees));
  return normalCdf(z > 0 ? -normal : normal);
}

/** The limit that a day exceeds with this probability, 0 to 1. */
export function limitExceeded(demand: Demand, probability: number): number {
  const { location, scale } = demand;
  const [, high] = bisect(
    [location - 100 * scale, location + 100 * scale],
    60,
    (middle) => exceedance(demand, Math.exp(middle)) > probability,
  );
  return Math.exp(high);
}

/**
 * The demand of each instance: log-normal, with what its template and the fleet tell as far as its own days are few. On a
 * day with a kill the demand was at least the limit, so such a day counts with what is expected above it
 * (A. Dempster, N. Laird and D. Rubin, "Maximum Likelihood from Incomplete Data via the EM Algorithm", 1977).
 */
export function expectDemand(instances: readonly History[]): readonly Demand[] {
  const samples = instances.map(sampleOf);
  let fits: readonly Fit[] = samples.map(() => ({ mean: usualDemand, variance: usualSpread ** 2 }));
  let totals: readonly Totals[] = [];
  for (let round = 0; round < rounds; round++) {
    totals = samples.map((sample, index) => totalsOf(sample, fitAt(fits, index)));
    const means = templateMeans(samples, totals, fits);
    fits = fitsOf(samples, totals, means);
  }
  return samples.map(({ name, unit }, index) => {
    const { mean, variance } = fitAt(fits, index);
    const { days } = totals[index] ?? noDays;
    const uncertainty = 1 / (days / variance + 1 / between ** 2);
    return {
      name,
      location: Math.log(unit) + mean,
      scale: Math.sqrt(variance + uncertainty),
      degrees: fleetDays + days,
    };
  });
}

/** Logarithms of the days' peaks in relation to the limit. */
interface Sample {
  readonly name: string;
  readonly template: string;
  readonly unit: number;
  readonly days: readonly { readonly log: number; readonly killed: boolean; readonly weight: number }[];
}

interface Fit {
  readonly mean: number;
  readonly variance: number;
}

/** Weighted count of days, and expected sums of their logarithms and of the squares. */
interface Totals {
  readonly days: number;
  readonly logs: number;
  readonly squares: number;
}

const noDays: Totals = { days: 0, logs: 0, squares: 0 };

function sampleOf({ name, template, limit, days }: History): Sample {
  const largest = days.reduce((most, { peak }) => (Number.isFinite(peak) ? Math.max(most, peak) : most), 0);
  const unit = Number.isFinite(limit) && limit > 0 ? limit : largest || 1;
  return {
    name,
    template: String(template),
    unit,
    days: days.flatMap(({ peak, killed, limit: then = unit }, index) => {
      const least = killed ? Math.max(peak, then) : peak;
      const weight = 0.5 ** ((days.length - 1 - index) / halfLife);
      return Number.isFinite(least) && least > 0 ? [{ log: Math.log(least / unit), killed, weight }] : [];
    }),
  };
}

function totalsOf({ days }: Sample, { mean, variance }: Fit): Totals {
  const sd = Math.sqrt(variance);
  return days.reduce((total, { log, killed, weight }) => {
    const [first, second] = killed ? momentsAbove(log, mean, sd) : [log, log * log];
    return {
      days: total.days + weight,
      logs: total.logs + weight * first,
      squares: total.squares + weight * second,
    };
  }, noDays);
}

/** E[x] and E[x²] of a normal x that is known to be at least `least`. */
function momentsAbove(least: number, mean: number, sd: number): readonly [number, number] {
  const z = (least - mean) / sd;
  const tail = normalCdf(-z);
  // Far out the hazard approaches z; the tail itself is too small to divide by.
  const hazard = z > 5 ? z + 1 / z : Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI) / tail;
  const first = mean + sd * hazard;
  return [first, sd * sd + mean * mean + sd * hazard * (least + mean)];
}

/** The mean of each template: its instances' means, with that of the fleet as one instance more. */
function templateMeans(
  samples: readonly Sample[],
  totals: readonly Totals[],
  fits: readonly Fit[],
): ReadonlyMap<string, number> {
  const known = samples.flatMap(({ template }, index) =>
    (totals[index]?.days ?? 0) > 0 ? [{ template, mean: fitAt(fits, index).mean }] : [],
  );
  const fleet = (usualDemand + sum(known.map(({ mean }) => mean))) / (1 + known.length);
  return new Map(
    [...new Set(samples.map(({ template }) => template))].map((template) => {
      const own = known.filter((one) => one.template === template);
      return [template, (fleet + sum(own.map(({ mean }) => mean))) / (1 + own.length)];
    }),
  );
}

function fitsOf(
  samples: readonly Sample[],
  totals: readonly Totals[],
  means: ReadonlyMap<string, number>,
): readonly Fit[] {
  const residuals = totals.map(({ days, logs, squares }) => (days === 0 ? 0 : squares - (logs * logs) / days));
  const fleetVariance =
    (fleetDays * usualSpread ** 2 + sum(residuals)) /
    (fleetDays + sum(totals.map(({ days }) => Math.max(0, days - 1))));
  return samples.map(({ template }, index) => {
    const { days, logs } = totals[index] ?? noDays;
    const variance = (fleetDays * fleetVariance + at(residuals, index)) / (fleetDays + Math.max(0, days - 1));
    const prior = variance / between ** 2;
    return { mean: (logs + prior * (means.get(template) ?? usualDemand)) / (days + prior), variance };
  });
}

/** Limits at which one more byte prevents the same number of kills everywhere. */
function limitsWithin(budget: number, demands: readonly Demand[]): readonly number[] {
  const curves = demands.map((demand) => ({ demand, top: logDensityAtMedian(demand) }));
  // The logarithm of the density: from where limits are absurdly high to where all are at their median.
  const lowest = -2000;
  const highest = curves.reduce((most, { top }) => Math.max(most, top), lowest);
  const [, high] = bisect(
    [lowest, highest],
    50,
    (middle) => sum(curves.map((curve) => limitAt(curve, middle))) > budget,
  );
  return curves.map((curve) => limitAt(curve, high));
}

/** The density of a day's demand falls from the median up. */
interface Curve {
  readonly demand: Demand;
  /** The logarithm of the density at the median. */
  readonly top: number;
}

/** The limit at which the density has this logarithm; the median if the density is nowhere as high. */
function limitAt({ demand, top }: Curve, density: number): number {
  const { location, scale, degrees } = demand;
  const excess = (z: number): number => top - ((degrees + 1) / 2) * Math.log1p((z * z) / degrees) - scale * z - density;
  let far = 1;
  while (far < 512 && excess(far) > 0) far *= 2;
  const [low] = bisect([0, far], 40, (middle) => excess(middle) > 0);
  return Math.exp(location + scale * low);
}

function logDensityAtMedian({ location, scale, degrees }: Demand): number {
  const standard = logGamma((degrees + 1) / 2) - logGamma(degrees / 2) - 0.5 * Math.log(degrees * Math.PI);
  return standard - Math.log(scale) - location;
}

function fitAt(fits: readonly Fit[], index: number): Fit {
  return fits[index] ?? { mean: usualDemand, variance: usualSpread ** 2 };
}

function at(values: readonly number[], index: number): number {
  return values[index] ?? 0;
}
