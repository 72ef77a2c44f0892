import { sigmoid } from './distributions.ts';

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
  /** Whether positions say what multiplies the effect. Default false. */
  readonly isMultiplied?: boolean;
}

/**
 * Which effects apply: for each level a key, or undefined if the level does not apply, and what multiplies the effect. Hand over
 * the same `keys` for the same position: they are looked up once.
 */
export interface Position {
  readonly keys: readonly (string | undefined)[];
  /** By the level's number, for those that are multiplied; 1 where there is none. */
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

/** One level of all observations. */
interface Column {
  readonly mean: number;
  readonly spread: number;
  readonly isFixed: boolean;
  /** The number of each key's effect. */
  readonly numbers: Map<string, number>;
  /** Which effect applies to each observation; `absent` if none does. */
  rows: Int32Array;
  /** What multiplies it; undefined if everything is taken once. */
  multipliers: Float64Array | undefined;
  readonly effects: number[];
  /** What the observations tell of each effect, without the prior. */
  information: Float64Array;
  variance: number;
  tallies: Tallies | undefined;
}

/** By number of the effect, when there were so many observations. */
interface Tallies {
  readonly size: number;
  readonly counts: Float64Array;
  readonly totals: Float64Array;
}

const absent = -1;
/** Of observations; then the earlier half is forgotten. */
const mostKept = 200_000;
/** A level's spread is learned as if so many keys had shown the one it was declared with. */
const spreadKeys = 6;
const mostRounds = 25;
/** Effects that move by less, as a part of a spread, are left where they are. */
const tolerance = 0.002;
const noisePrior = { count: 8, variance: 0.4 } as const;

/** @param halfLife Hours after which an observation counts half. */
export function createEffects(kind: 'logistic' | 'gaussian', levels: readonly Level[], halfLife: number): Effects {
  const columns = levels.map(createColumn);
  let size = 0;
  let room = 256;
  let offsets = new Float64Array(room);
  let values = new Float64Array(room);
  let times = new Float64Array(room);
  let weights = new Float64Array(room);
  let latest = -Infinity;
  let noise: number = noisePrior.variance;
  /** With so many observations the effects are fitted again: each new one moves thousands of others very little. */
  let due = 1;
  const known = new WeakMap<Position['keys'], Int32Array>();

  /** The number of each level's effect. */
  function numbersOf(keys: Position['keys']): Int32Array {
    const found = known.get(keys);
    if (found !== undefined) return found;
    const numbers = Int32Array.from(columns, (column, level) => numberOf(column, keys[level]));
    known.set(keys, numbers);
    return numbers;
  }

  function grow(): void {
    room *= 2;
    [offsets, values, times, weights] = [
      enlarged(offsets, room),
      enlarged(values, room),
      enlarged(times, room),
      enlarged(weights, room),
    ];
    for (const column of columns) {
      const rows = new Int32Array(room);
      rows.set(column.rows);
      column.rows = rows;
      if (column.multipliers !== undefined) column.multipliers = enlarged(column.multipliers, room);
    }
  }

  /** Forgets the earlier half, which counts least. */
  function forget(): void {
    const half = Math.floor(mostKept / 2);
    for (const array of [offsets, values, times, weights]) array.copyWithin(0, half, size);
    for (const { rows, multipliers } of columns) {
      rows.copyWithin(0, half, size);
      multipliers?.copyWithin(0, half, size);
    }
    size -= half;
    due = size;
    for (const column of columns) column.tallies = undefined;
  }

  function add({ keys, multipliers, offset, value, at, weight }: Observation): void {
    if (size === mostKept) forget();
    if (size === room) grow();
    const numbers = numbersOf(keys);
    columns.forEach((column, level) => {
      column.rows[size] = numbers[level] ?? absent;
      if (column.multipliers !== undefined) column.multipliers[size] = multipliers?.[level] ?? 1;
    });
    offsets[size] = offset;
    values[size] = value;
    times[size] = at;
    weights[size] = weight;
    size += 1;
    latest = Math.max(latest, at);
  }

  /** The latest observation has its whole weight, so that asking later changes nothing. */
  function decayed(row: number): number {
    return (weights[row] ?? 0) * 2 ** (((times[row] ?? 0) - latest) / halfLife);
  }

  function fit(): void {
    if (size < due) return;
    due = Math.ceil(size * 1.01);
    const weight = new Float64Array(size);
    const sums = offsets.slice(0, size);
    const precision = new Float64Array(size);
    const residual = new Float64Array(size);
    const before = new Float64Array(size);
    for (let row = 0; row < size; row += 1) weight[row] = decayed(row);
    for (const column of columns) addEffects(column, column.effects, sums, 1);
    for (let round = 0; round < mostRounds; round += 1) {
      if (kind === 'gaussian') {
        noise = residualVariance(sums, weight);
        for (let row = 0; row < size; row += 1) {
          precision[row] = (weight[row] ?? 0) / noise;
          residual[row] = (values[row] ?? 0) - (sums[row] ?? 0);
        }
      } else {
        for (let row = 0; row < size; row += 1) {
          const probability = sigmoid(sums[row] ?? 0);
          const curvature = Math.max(0.02, probability * (1 - probability));
          precision[row] = (weight[row] ?? 0) * curvature;
          residual[row] = ((values[row] ?? 0) - probability) / curvature;
        }
      }
      let moved = 0;
      before.set(residual);
      for (const column of columns) {
        const { steps, largest } = fitColumn(column, precision, residual, size);
        moved = Math.max(moved, largest / column.spread);
        addEffects(column, steps, residual, -1);
      }
      if (moved < tolerance) return;
      // What the residuals have lost is what the sums have gained.
      for (let row = 0; row < size; row += 1) sums[row] = (sums[row] ?? 0) + (before[row] ?? 0) - (residual[row] ?? 0);
    }
  }

  function residualVariance(sums: Float64Array, weight: Float64Array): number {
    let squares = noisePrior.count * noisePrior.variance;
    let count: number = noisePrior.count;
    for (let row = 0; row < size; row += 1) {
      squares += (weight[row] ?? 0) * ((values[row] ?? 0) - (sums[row] ?? 0)) ** 2;
      count += weight[row] ?? 0;
    }
    return squares / count;
  }

  return {
    add,
    size: () => size,
    noise() {
      fit();
      return noise;
    },
    at({ keys, multipliers }) {
      fit();
      let mean = 0;
      let variance = 0;
      columns.forEach((column, level) => {
        const key = keys[level];
        if (key === undefined) return;
        const number = column.numbers.get(key);
        const multiplier = multipliers?.[level] ?? 1;
        mean += multiplier * (number === undefined ? column.mean : (column.effects[number] ?? column.mean));
        const information = number === undefined ? 0 : (column.information[number] ?? 0);
        variance += multiplier ** 2 / (information + 1 / column.variance);
      });
      return { mean, variance };
    },
    tally(level, key) {
      const column = columns[level];
      const number = key === undefined ? undefined : column?.numbers.get(key);
      if (column === undefined || number === undefined) return { count: 0, total: 0 };
      const { counts, totals } = talliesOf(column);
      return { count: counts[number] ?? 0, total: totals[number] ?? 0 };
    },
  };

  /** Of every key of a level, since explaining a list of problems asks for most of them. */
  function talliesOf(column: Column): Tallies {
    if (column.tallies?.size === size) return column.tallies;
    const counts = new Float64Array(column.effects.length);
    const totals = new Float64Array(column.effects.length);
    for (let row = 0; row < size; row += 1) {
      const number = column.rows[row] ?? absent;
      if (number === absent) continue;
      const weight = decayed(row);
      counts[number] = (counts[number] ?? 0) + weight;
      totals[number] = (totals[number] ?? 0) + weight * (values[row] ?? 0);
    }
    column.tallies = { size, counts, totals };
    return column.tallies;
  }

  function createColumn({ mean = 0, spread, isFixed = false, isMultiplied = false }: Level): Column {
    return {
      mean,
      spread,
      isFixed,
      numbers: new Map(),
      rows: new Int32Array(256),
      multipliers: isMultiplied ? new Float64Array(256) : undefined,
      effects: [],
      information: new Float64Array(0),
      variance: spread ** 2,
      tallies: undefined,
    };
  }
}

function enlarged(values: Float64Array, room: number): Float64Array<ArrayBuffer> {
  const more = new Float64Array(room);
  more.set(values);
  return more;
}

function numberOf(column: Column, key: string | undefined): number {
  if (key === undefined) return absent;
  const known = column.numbers.get(key);
  if (known !== undefined) return known;
  const number = column.effects.push(column.mean) - 1;
  column.numbers.set(key, number);
  return number;
}

/** Adds each observation's effect, or takes it away. */
function addEffects({ rows, multipliers }: Column, effects: ArrayLike<number>, to: Float64Array, sign: 1 | -1): void {
  for (let row = 0; row < to.length; row += 1) {
    const number = rows[row] ?? absent;
    if (number !== absent) to[row] = (to[row] ?? 0) + sign * (effects[number] ?? 0) * (multipliers?.[row] ?? 1);
  }
}

/** Moves the effects of one level to where they fit best while the others stay, and the width of its prior. */
function fitColumn(
  column: Column,
  precision: Float64Array,
  residual: Float64Array,
  size: number,
): { readonly steps: Float64Array; readonly largest: number } {
  const { rows, multipliers, effects, mean, spread } = column;
  const steps = new Float64Array(effects.length);
  const information = new Float64Array(effects.length);
  for (let row = 0; row < size; row += 1) {
    const number = rows[row] ?? absent;
    if (number === absent) continue;
    const multiplier = multipliers?.[row] ?? 1;
    const share = (precision[row] ?? 0) * multiplier;
    steps[number] = (steps[number] ?? 0) + share * (residual[row] ?? 0);
    information[number] = (information[number] ?? 0) + share * multiplier;
  }
  let largest = 0;
  let squares = spreadKeys * spread ** 2;
  for (let number = 0; number < effects.length; number += 1) {
    const effect = effects[number] ?? mean;
    const total = (information[number] ?? 0) + 1 / column.variance;
    const step = ((steps[number] ?? 0) - (effect - mean) / column.variance) / total;
    steps[number] = step;
    effects[number] = effect + step;
    largest = Math.max(largest, Math.abs(step));
    squares += (effect + step - mean) ** 2 + 1 / total;
  }
  column.information = information;
  if (!column.isFixed) column.variance = squares / (spreadKeys + effects.length);
  return { steps, largest };
}
