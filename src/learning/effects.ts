import { createColumn, type Level, fitColumns, numberOf } from './effects-fit.ts';
import { type Cells, createCells, type Observation, type Position, type Tally } from './effects-cells.ts';
import { sigmoid } from './distributions.ts';

/**
 * A value as a sum of effects, one for each key of each level: "attempts by this handler", "attempts on this image". Each
 * effect is what its attempts showed beyond what the other levels explain, shrunk towards nothing by a prior that counts
 * like a few more attempts.
 *
 * Attempts with the same keys are counted together in one cell, so that a fit takes as long as there are cells. The
 * subject of an attempt, of which few are known, gets its effect when it is asked for, after all others.
 *
 * The priors are fixed. So `logistic` maximises a concave function, and a success at a position never lowers the sum there.
 */

/** A sum of effects with its variance. */
export interface Sum {
  readonly mean: number;
  readonly variance: number;
}

export interface Effects {
  add(observation: Observation): void;
  /** Number of observations. */
  size(): number;
  /** The sum of the effects at a position. */
  at(position: Position): Sum;
  /** The sum of some of its levels, by number. */
  partOf(position: Position, isPart: (level: number) => boolean): number;
  /** The variance of one observation around the sum. */
  noise(): number;
  /** What was observed at the key of one level. */
  tally(position: Position, level: number): Tally;
}

export interface EffectsOptions {
  readonly kind: 'logistic' | 'gaussian';
  readonly levels: readonly Level[];
  /** How far the effects of subjects are expected to lie from 0. */
  readonly subjectSpread: number;
  /** Hours after which an observation counts half. */
  readonly halfLife: number;
}

/** What one observation tells of the log-odds, about: that of a probability of 0.28 or 0.72. */
const usualCurvature = 0.2;
const noisePrior = { count: 8, variance: 0.4 } as const;

export function createEffects({ kind, levels, subjectSpread, halfLife }: EffectsOptions): Effects {
  const columns = levels.map(createColumn);
  const cells: Cells = createCells(halfLife, columns.length, (keys) =>
    columns.map((column, level) => numberOf(column, keys[level])),
  );
  let noise: number = noisePrior.variance;
  /** With so many observations the effects are fitted again: each new one moves thousands of others very little. */
  let due = 1;

  function fit(): void {
    if (cells.size() < due) return;
    due = Math.ceil(cells.size() * 1.02);
    noise = fitColumns(kind, columns, cells.table(), noisePrior);
  }

  function sumAt(numbers: readonly number[], multiplier: number, isPart: (level: number) => boolean): Sum {
    const perCount = kind === 'logistic' ? usualCurvature : 1 / noise;
    let [mean, variance] = [0, 0];
    columns.forEach((column, level) => {
      const number = numbers[level] ?? -1;
      if (number < 0 || !isPart(level)) return;
      const factor = column.isMultiplied ? multiplier : 1;
      mean += factor * (column.effects[number] ?? column.mean);
      variance += factor ** 2 / (perCount * (column.counts[number] ?? 0) + 1 / column.spread ** 2);
    });
    return { mean, variance };
  }

  /** What the attempts on a subject show beyond their sums: one step of Newton's method. */
  function subjectSum(subject: Position['subject']): Sum {
    let [step, information] = [0, 1 / subjectSpread ** 2];
    for (const { numbers, multiplier, value, weight } of cells.ofSubject(subject.id)) {
      const sum = sumAt(numbers, multiplier, () => true).mean;
      const probability = sigmoid(sum);
      const precision = weight * (kind === 'logistic' ? probability * (1 - probability) : 1 / noise);
      step += kind === 'logistic' ? weight * (value - probability) : precision * (value - sum);
      information += precision;
    }
    return { mean: step / information, variance: 1 / information };
  }

  return {
    add: (observation) => cells.add(observation),
    size: () => cells.size(),
    noise() {
      fit();
      return noise;
    },
    at(position) {
      fit();
      const { mean, variance } = sumAt(cells.numbersOf(position), position.multiplier ?? 1, () => true);
      const own = subjectSum(position.subject);
      return { mean: mean + own.mean, variance: variance + own.variance };
    },
    partOf(position, isPart) {
      fit();
      return sumAt(cells.numbersOf(position), position.multiplier ?? 1, isPart).mean;
    },
    tally: (position, level) => cells.tally(level, cells.numbersOf(position)[level] ?? -1),
  };
}
