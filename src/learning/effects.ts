/**
 * A value as a sum of effects, one for each key of each level: "attempts by this handler", "attempts on this image". Each
 * effect is what its attempts showed beyond what the other levels explain, shrunk towards nothing by a prior that counts
 * like a few more attempts. The width of a level's prior follows from how much its effects differ.
 *
 * A Gaussian prior and a weighted least-squares fit, level by level until nothing moves; `logistic` iterates that on the
 * log-odds. Attempts of the same moment may be added in any order.
 */

export interface Level {
  readonly name: string;
  /** What an effect is taken for before its first attempt. Default 0. */
  readonly mean?: number;
  /** How far effects are expected to lie from it: the standard deviation. */
  readonly spread: number;
  /** Whether the spread is learned from the effects. Default true; a level with few keys cannot tell. */
  readonly isFixed?: boolean;
}

/** Which effects apply: for each level a key, or undefined if the level does not apply, and what multiplies the effect. */
export interface Position {
  readonly keys: readonly (string | undefined)[];
  /** By the level's number; 1 where it has none. */
  readonly multipliers?: readonly (number | undefined)[];
}

export interface Observation extends Position {
  /** What is known without any effect, added to their sum. */
  readonly offset: number;
  /** The value observed: 0 or 1 for `logistic`, any number for `gaussian`. */
  readonly value: number;
  readonly at: number;
  readonly weight: number;
}

/** A sum of effects with its variance. */
export interface Sum {
  readonly mean: number;
  readonly variance: number;
}

/** How much was observed at one key, each attempt by its weight after decay. */
export interface Tally {
  readonly count: number;
  readonly total: number;
}

export interface Effects {
  add(observation: Observation): void;
  /** Number of observations. */
  size(): number;
  /** The sum of the effects at a position, without its offset. */
  at(position: Position): Sum;
  /** The variance of one observation around the sum. */
  noise(): number;
  /** What was observed at one key of one level. */
  tally(level: number, key: string | undefined): Tally;
}

interface Fitted {
  readonly effect: number[];
  /** What the observations tell of each effect, without the prior. */
  readonly information: number[];
  variance: number;
}

/** A level's spread is learned as if so many keys had shown the one it was declared with. */
const spreadKeys = 6;
const mostRounds = 25;
const tolerance = 0.0005;
const noisePrior = { count: 8, variance: 0.4 } as const;

export function createEffects(kind: 'logistic' | 'gaussian', levels: readonly Level[], halfLife: number): Effects {
  const indexes: readonly Map<string, number>[] = levels.map(() => new Map<string, number>());
  const fitted: readonly Fitted[] = levels.map(({ spread }) => ({
    effect: [],
    information: [],
    variance: spread ** 2,
  }));
  const keyed: readonly number[][] = levels.map(() => []);
  const multiplied: readonly (number[] | undefined)[] = levels.map(({ mean }) => (mean === undefined ? undefined : []));
  const offsets: number[] = [];
  const values: number[] = [];
  const times: number[] = [];
  const weights: number[] = [];
  let latest = -Infinity;
  let noise: number = noisePrior.variance;
  /** With so many observations the effects are fitted again: each new one moves thousands of others very little. */
  let due = 1;

  function add({ keys, multipliers, offset, value, at, weight }: Observation): void {
    levels.forEach(({ mean = 0 }, level) => {
      const key = keys[level];
      let index = -1;
      if (key !== undefined) {
        const known = indexes[level]?.get(key);
        index = known ?? indexes[level]?.size ?? 0;
        if (known === undefined) {
          indexes[level]?.set(key, index);
          fitted[level]?.effect.push(mean);
          fitted[level]?.information.push(0);
        }
      }
      keyed[level]?.push(index);
      multiplied[level]?.push(multipliers?.[level] ?? 1);
    });
    offsets.push(offset);
    values.push(value);
    times.push(at);
    weights.push(weight);
    latest = Math.max(latest, at);
  }

  /** The weight of each observation after decay. The latest has its whole weight, so that asking later changes nothing. */
  function decayed(): Float64Array {
    return Float64Array.from(times, (at, index) => (weights[index] ?? 0) * 2 ** ((at - latest) / halfLife));
  }

  function fit(): void {
    const size = values.length;
    if (size < due) return;
    due = Math.ceil(size * 1.01);
    const weight = decayed();
    const sums = new Float64Array(size);
    levels.forEach((_, level) => {
      const { effect = [] } = fitted[level] ?? {};
      eachKeyed(level, (row, index, multiplier) => {
        sums[row] = (sums[row] ?? 0) + (effect[index] ?? 0) * multiplier;
      });
    });
    for (let row = 0; row < size; row += 1) sums[row] = (sums[row] ?? 0) + (offsets[row] ?? 0);
    const precision = new Float64Array(size);
    const residual = new Float64Array(size);
    for (let round = 0; round < mostRounds; round += 1) {
      if (kind === 'gaussian') noise = residualVariance(sums, weight);
      for (let row = 0; row < size; row += 1) {
        const sum = sums[row] ?? 0;
        const value = values[row] ?? 0;
        if (kind === 'gaussian') {
          precision[row] = (weight[row] ?? 0) / noise;
          residual[row] = value - sum;
        } else {
          const probability = 1 / (1 + Math.exp(-sum));
          const curvature = Math.max(0.02, probability * (1 - probability));
          precision[row] = (weight[row] ?? 0) * curvature;
          residual[row] = (value - probability) / curvature;
        }
      }
      let moved = 0;
      for (let level = 0; level < levels.length; level += 1)
        moved = Math.max(moved, fitLevel(level, precision, residual, sums));
      if (moved < tolerance) return;
    }
  }

  /** One level, while the others stay. Returns the largest change of an effect. */
  function fitLevel(level: number, precision: Float64Array, residual: Float64Array, sums: Float64Array): number {
    const { mean = 0, spread, isFixed = false } = levels[level] ?? { spread: 1 };
    const fittedLevel = fitted[level];
    if (fittedLevel === undefined) return 0;
    const { effect, information } = fittedLevel;
    const gradient = new Float64Array(effect.length);
    information.fill(0);
    eachKeyed(level, (row, index, multiplier) => {
      const share = (precision[row] ?? 0) * multiplier;
      gradient[index] = (gradient[index] ?? 0) + share * (residual[row] ?? 0);
      information[index] = (information[index] ?? 0) + share * multiplier;
    });
    let moved = 0;
    let squares = spreadKeys * spread ** 2;
    const steps = effect.map((value, index) => {
      const total = (information[index] ?? 0) + 1 / fittedLevel.variance;
      const step = ((gradient[index] ?? 0) - (value - mean) / fittedLevel.variance) / total;
      moved = Math.max(moved, Math.abs(step));
      effect[index] = value + step;
      squares += (value + step - mean) ** 2 + 1 / total;
      return step;
    });
    if (!isFixed) fittedLevel.variance = squares / (spreadKeys + effect.length);
    eachKeyed(level, (row, index, multiplier) => {
      const step = (steps[index] ?? 0) * multiplier;
      residual[row] = (residual[row] ?? 0) - step;
      sums[row] = (sums[row] ?? 0) + step;
    });
    return moved;
  }

  function eachKeyed(level: number, visit: (row: number, index: number, multiplier: number) => void): void {
    const rows = keyed[level] ?? [];
    const multipliers = multiplied[level];
    for (let row = 0; row < rows.length; row += 1) {
      const index = rows[row] ?? -1;
      if (index !== -1) visit(row, index, multipliers?.[row] ?? 1);
    }
  }

  function residualVariance(sums: Float64Array, weight: Float64Array): number {
    let squares = noisePrior.count * noisePrior.variance;
    let count: number = noisePrior.count;
    for (let row = 0; row < sums.length; row += 1) {
      squares += (weight[row] ?? 0) * ((values[row] ?? 0) - (sums[row] ?? 0)) ** 2;
      count += weight[row] ?? 0;
    }
    return squares / count;
  }

  return {
    add,
    size: () => values.length,
    noise() {
      fit();
      return noise;
    },
    at({ keys, multipliers }) {
      fit();
      let mean = 0;
      let variance = 0;
      for (let level = 0; level < levels.length; level += 1) {
        const key = keys[level];
        const fittedLevel = fitted[level];
        if (key === undefined || fittedLevel === undefined) continue;
        const index = indexes[level]?.get(key);
        const multiplier = multipliers?.[level] ?? 1;
        mean += multiplier * (index === undefined ? (levels[level]?.mean ?? 0) : (fittedLevel.effect[index] ?? 0));
        const information = index === undefined ? 0 : (fittedLevel.information[index] ?? 0);
        variance += multiplier ** 2 / (information + 1 / fittedLevel.variance);
      }
      return { mean, variance };
    },
    tally(level, key) {
      const wanted = key === undefined ? undefined : indexes[level]?.get(key);
      if (wanted === undefined) return { count: 0, total: 0 };
      const weight = decayed();
      let count = 0;
      let total = 0;
      eachKeyed(level, (row, index) => {
        if (index !== wanted) return;
        count += weight[row] ?? 0;
        total += (weight[row] ?? 0) * (values[row] ?? 0);
      });
      return { count, total };
    },
  };
}
