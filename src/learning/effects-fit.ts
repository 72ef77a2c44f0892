import { sigmoid } from './distributions.ts';
import type { CellTable } from './effects-cells.ts';

export interface Level {
  readonly name: string;
  /** What an effect is taken for before its first attempt. Default 0. */
  readonly mean?: number;
  /** How far effects are expected to lie from it: the standard deviation. */
  readonly spread: number;
  /** Whether the multiplier of a position multiplies the effect. Default false. */
  readonly isMultiplied?: boolean;
}

/** The effects of one level. */
export interface Column {
  readonly mean: number;
  readonly spread: number;
  readonly isMultiplied: boolean;
  /** The number of each key's effect. */
  readonly numbers: Map<string, number>;
  readonly effects: number[];
  /** The weight of the observations of each effect, when it was fitted. */
  counts: Float64Array;
}

const mostRounds = 25;
/** Effects that move by less, as a part of a spread, are left where they are. */
const tolerance = 0.005;
const leastCurvature = 0.02;

export function createColumn({ mean = 0, spread, isMultiplied = false }: Level): Column {
  return { mean, spread, isMultiplied, numbers: new Map(), effects: [], counts: new Float64Array(0) };
}

/** The number of a key's effect, -1 without a key. */
export function numberOf(column: Column, key: string | undefined): number {
  if (key === undefined) return -1;
  const known = column.numbers.get(key);
  if (known !== undefined) return known;
  const number = column.effects.push(column.mean) - 1;
  column.numbers.set(key, number);
  return number;
}

/**
 * Weighted least squares, level by level until nothing moves; `logistic` iterates that on the log-odds. Begins at the effects that
 * the columns have, and moves them. Returns the variance of one observation around its sum; for `gaussian` only.
 */
export function fitColumns(
  kind: 'logistic' | 'gaussian',
  columns: readonly Column[],
  cells: CellTable,
  noisePrior: { readonly count: number; readonly variance: number },
): number {
  const { length, weights, totals } = cells;
  const precision = new Float64Array(length);
  const residual = new Float64Array(length);
  const before = new Float64Array(length);
  const sums = new Float64Array(length);
  let noise = noisePrior.variance;
  columns.forEach((column, level) => {
    column.counts = countsOf(column, level, cells);
    addEffects(column, level, column.effects, cells, sums);
  });
  for (let round = 0; round < mostRounds; round += 1) {
    if (kind === 'gaussian') noise = residualVariance(cells, sums, noisePrior);
    for (let cell = 0; cell < length; cell += 1) {
      const weight = weights[cell] ?? 0;
      const sum = sums[cell] ?? 0;
      const value = weight === 0 ? 0 : (totals[cell] ?? 0) / weight;
      if (kind === 'gaussian') {
        precision[cell] = weight / noise;
        residual[cell] = weight === 0 ? 0 : value - sum;
      } else {
        const probability = sigmoid(sum);
        const curvature = Math.max(leastCurvature, probability * (1 - probability));
        precision[cell] = weight * curvature;
        residual[cell] = weight === 0 ? 0 : (value - probability) / curvature;
      }
    }
    before.set(residual);
    let moved = 0;
    columns.forEach((column, level) => {
      const { steps, largest } = stepsOf(column, level, cells, precision, residual);
      moved = Math.max(moved, largest / column.spread);
      addEffects(column, level, steps, cells, residual, -1);
    });
    // What the residuals have lost is what the sums have gained.
    for (let cell = 0; cell < length; cell += 1)
      sums[cell] = (sums[cell] ?? 0) + (before[cell] ?? 0) - (residual[cell] ?? 0);

    if (moved < tolerance) break;
  }
  return noise;
}

function residualVariance(
  { length, weights, totals, squares }: CellTable,
  sums: Float64Array,
  prior: { readonly count: number; readonly variance: number },
): number {
  let sum = prior.count * prior.variance;
  let count = prior.count;
  for (let cell = 0; cell < length; cell += 1) {
    const mean = sums[cell] ?? 0;
    const weight = weights[cell] ?? 0;
    sum += Math.max(0, (squares[cell] ?? 0) - 2 * mean * (totals[cell] ?? 0) + weight * mean ** 2);
    count += weight;
  }
  return sum / count;
}

function countsOf(column: Column, level: number, { length, weights, numbers }: CellTable): Float64Array {
  const counts = new Float64Array(column.effects.length);
  const rows = numbers[level];
  for (let cell = 0; cell < length; cell += 1) {
    const number = rows?.[cell] ?? -1;
    if (number >= 0) counts[number] = (counts[number] ?? 0) + (weights[cell] ?? 0);
  }
  return counts;
}

/** Adds each cell's effect of a level, or takes it away. */
function addEffects(
  { isMultiplied }: Column,
  level: number,
  effects: ArrayLike<number>,
  { length, numbers, multipliers }: CellTable,
  to: Float64Array,
  sign: 1 | -1 = 1,
): void {
  const rows = numbers[level];
  for (let cell = 0; cell < length; cell += 1) {
    const number = rows?.[cell] ?? -1;
    if (number < 0) continue;
    const factor = isMultiplied ? (multipliers[cell] ?? 1) : 1;
    to[cell] = (to[cell] ?? 0) + sign * factor * (effects[number] ?? 0);
  }
}

/** Moves the effects of one level to where they fit best while the others stay. */
function stepsOf(
  { effects, mean, spread, isMultiplied }: Column,
  level: number,
  { length, numbers, multipliers }: CellTable,
  precision: Float64Array,
  residual: Float64Array,
): { readonly steps: Float64Array; readonly largest: number } {
  const rows = numbers[level];
  const steps = new Float64Array(effects.length);
  const information = new Float64Array(effects.length);
  for (let cell = 0; cell < length; cell += 1) {
    const number = rows?.[cell] ?? -1;
    if (number < 0) continue;
    const factor = isMultiplied ? (multipliers[cell] ?? 1) : 1;
    const share = (precision[cell] ?? 0) * factor;
    steps[number] = (steps[number] ?? 0) + share * (residual[cell] ?? 0);
    information[number] = (information[number] ?? 0) + share * factor;
  }
  const prior = 1 / spread ** 2;
  let largest = 0;
  for (let number = 0; number < effects.length; number += 1) {
    const effect = effects[number] ?? mean;
    const step = ((steps[number] ?? 0) - (effect - mean) * prior) / ((information[number] ?? 0) + prior);
    steps[number] = step;
    effects[number] = effect + step;
    largest = Math.max(largest, Math.abs(step));
  }
  return { steps, largest };
}
