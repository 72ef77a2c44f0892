import { meanProbability, sigmoid } from './distributions.ts';
import type { Batch } from './types.ts';

/**
 * What is known about port conflicts: a Bayesian logistic regression, whose coefficients are normally distributed. A batch
 * that was created moves them; nothing else is kept, so the size is bounded.
 */
export interface ConflictModel {
  /** Expected coefficients, in the order of `features`. */
  readonly mean: readonly number[];
  /** Their covariance, row by row. */
  readonly covariance: readonly (readonly number[])[];
  /** How many batches it has seen. */
  readonly batches: number;
}

/**
 * What tells conflicts, each about 0 for an ordinary batch and 1 for a high one, with the prior of its coefficient.
 * Creations that overlap in time choose ports from the same list of free ones, so overlaps count most.
 */
const features: readonly {
  readonly of: (batch: Batch) => number;
  readonly mean: number;
  readonly sd: number;
}[] = [
  { of: () => 1, mean: -2.2, sd: 1 },
  { of: (batch) => Math.log1p(overlaps(batch)) - 1, mean: 0.5, sd: 0.35 },
  { of: (batch) => Math.log1p(width(batch)) - 0.7, mean: 0.2, sd: 0.35 },
  { of: ({ size }) => Math.log(size) - 1.4, mean: 0.2, sd: 0.35 },
  { of: ({ gapMinutes }) => Math.log1p(gapMinutes) - 1, mean: -0.2, sd: 0.35 },
  { of: ({ startMinutes }) => Math.log1p(startMinutes) - 1, mean: 0.2, sd: 0.35 },
  { of: ({ explicitPorts }) => 2 * explicitPorts - 0.6, mean: 0.5, sd: 0.5 },
  { of: (batch) => batch.explicitPorts * Math.log1p(overlaps(batch)) - 0.3, mean: 0.1, sd: 0.3 },
  { of: ({ instances }) => Math.log1p(instances) / 2 - 1.5, mean: 0.2, sd: 0.35 },
  { of: ({ hour }) => Math.sin(turn * hour), mean: 0, sd: 0.35 },
  { of: ({ hour }) => Math.cos(turn * hour), mean: 0, sd: 0.35 },
  { of: ({ hour }) => (hour >= 8 && hour < 18 ? 0.5 : -0.5), mean: 0.2, sd: 0.35 },
];

const turn = (2 * Math.PI) / 24;

/** The model before any batch: conflicts become likelier with overlaps, with ports chosen by hand, and with instances. */
export const unobservedConflicts: ConflictModel = {
  mean: features.map(({ mean }) => mean),
  covariance: features.map(({ sd }, row) => features.map((_, column) => (row === column ? sd * sd : 0))),
  batches: 0,
};

/** The probability that two instances of the batch get the same port, or one of them a port that is in use. */
export function forecastConflict({ mean, covariance }: ConflictModel, batch: Batch): number {
  const values = valuesOf(batch);
  return meanProbability(dot(mean, values), dot(values, multiply(covariance, values)));
}

/** The model after a batch: one Newton step from the present coefficients, weighted by their certainty. */
export function observeConflict(
  { mean, covariance, batches }: ConflictModel,
  batch: Batch,
  conflict: boolean,
): ConflictModel {
  const values = valuesOf(batch);
  const direction = multiply(covariance, values);
  const expected = sigmoid(dot(mean, values));
  const weight = Math.max(expected * (1 - expected), 1e-3);
  const gain = 1 / (1 + weight * dot(values, direction));
  const surprise = (conflict ? 1 : 0) - expected;
  return {
    mean: mean.map((coefficient, row) => coefficient + gain * surprise * at(direction, row)),
    covariance: covariance.map((line, row) =>
      line.map((value, column) => value - weight * gain * at(direction, row) * at(direction, column)),
    ),
    batches: batches + 1,
  };
}

/** The batch within bounds, so that one absurd value cannot outweigh all others. */
function bounded(batch: Batch): Batch {
  return {
    ...batch,
    size: within(batch.size, 1, 10_000),
    gapMinutes: within(batch.gapMinutes, 0, 100_000),
    startMinutes: within(batch.startMinutes, 0, 100_000),
    explicitPorts: within(batch.explicitPorts, 0, 1),
    instances: within(batch.instances, 0, 100_000),
    hour: within(batch.hour, 0, 23),
  };
}

/** How many later creations begin before one is done, at most all others. */
function width({ size, gapMinutes, startMinutes }: Batch): number {
  return gapMinutes > 0 ? Math.min(size - 1, startMinutes / gapMinutes) : size - 1;
}

/** How many pairs of creations overlap in time. */
function overlaps(batch: Batch): number {
  const next = width(batch);
  return Math.max(0, batch.size * next - (next * (next + 1)) / 2);
}

function valuesOf(batch: Batch): readonly number[] {
  const safe = bounded(batch);
  return features.map(({ of }) => of(safe));
}

function multiply(matrix: readonly (readonly number[])[], vector: readonly number[]): readonly number[] {
  return matrix.map((row) => dot(row, vector));
}

function dot(one: readonly number[], other: readonly number[]): number {
  return one.reduce((sum, value, index) => sum + value * at(other, index), 0);
}

function at(vector: readonly number[], index: number): number {
  return vector[index] ?? 0;
}

function within(value: number, low: number, high: number): number {
  return Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : low;
}
