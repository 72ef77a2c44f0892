/** Which effects apply: those of what is attempted, of who attempts it, and of how. */
export interface Position {
  /** What the attempt is about; its own effect is that of its attempts. */
  readonly subject: { readonly id: string };
  /** What subjects have in common: the same parts mean the same keys and multiplier. Called once for each subject. */
  readonly setting: () => readonly (string | number)[];
  readonly handler: string;
  /** From 0 to 7. Default 0. */
  readonly variant?: number;
  /** For each level a key, or undefined if the level does not apply. The same for one setting, handler and variant. */
  readonly keys: () => readonly (string | undefined)[];
  readonly multiplier?: number;
}

export interface Observation extends Position {
  /** The value observed: 0 or 1 for `logistic`, any number for `gaussian`. */
  readonly value: number;
  readonly at: number;
  readonly weight: number;
}

/** How much was observed at one key, each attempt by its weight after decay. */
export interface Tally {
  readonly count: number;
  readonly total: number;
}

/** Observations, counted together where their positions are the same. */
export interface Cells {
  add(observation: Observation): void;
  /** Number of observations. */
  size(): number;
  /** All cells, with the weights that count at the time of the latest observation. */
  table(): CellTable;
  /** For each level the number of the effect at a position; below 0 if the level does not apply. */
  numbersOf(position: Position): readonly number[];
  /** What was observed of one subject. */
  ofSubject(id: string): readonly Seen[];
  tally(level: number, number: number): Tally;
}

export interface Seen {
  readonly numbers: readonly number[];
  readonly multiplier: number;
  readonly value: number;
  readonly weight: number;
}

export interface CellTable {
  readonly length: number;
  /** By cell: the weight of its observations, and their weighted values and squares. */
  readonly weights: Float64Array;
  readonly totals: Float64Array;
  readonly squares: Float64Array;
  readonly multipliers: Float64Array;
  /** By cell: the number of the effect of each level. */
  readonly numbers: readonly Int32Array[];
}

interface Cell {
  readonly numbers: readonly number[];
  readonly multiplier: number;
  /** In the order of the table; -1 without an observation. */
  place: number;
  weight: number;
  total: number;
  squares: number;
}

/** One observation of a subject, with the one before it. */
interface Own {
  readonly cell: Cell;
  readonly value: number;
  readonly weight: number;
  readonly before: Own | undefined;
}

interface Branch {
  /** Of the setting that ends here; -1 if none does. */
  number: number;
  next: Map<string | number, Branch> | undefined;
}

interface Subject {
  /** As it was given; what is given later under the same id may have another setting. */
  given: Position['subject'];
  setting: number;
  last: Own | undefined;
}

/** Cells that are kept when there are twice as many, and half the observations of subjects that are. */
const mostKept = 200_000;
const mostVariants = 8;
/** Weights are kept as of a reference time, which moves after so many half-lives. */
const mostHalfLives = 60;

/** @param read Gives the keys of a position numbers. */
export function createCells(
  halfLife: number,
  levels: number,
  read: (keys: readonly (string | undefined)[]) => readonly number[],
): Cells {
  /** By handler, then by setting and variant. */
  const named = new Map<string, Map<number, Cell>>();
  const subjects = new Map<string, Subject>();
  const settings: Branch = { number: -1, next: undefined };
  let settingCount = 0;
  let cellCount = 0;
  let cells: Cell[] = [];
  let observations = 0;
  let size = 0;
  let [reference, latest] = [0, -Infinity];
  let tallies: { readonly size: number; readonly levels: Map<number, Tally>[] } = { size: -1, levels: [] };

  /** Looking up part by part is several times as fast as making one name of all. */
  function settingNumber(parts: readonly (string | number)[]): number {
    let branch = settings;
    for (const part of parts) {
      branch.next ??= new Map();
      let next = branch.next.get(part);
      if (next === undefined) {
        next = { number: -1, next: undefined };
        branch.next.set(part, next);
      }
      branch = next;
    }
    if (branch.number < 0) branch.number = settingCount++;
    return branch.number;
  }

  function subjectOf({ subject, setting }: Position): Subject {
    const known = subjects.get(subject.id);
    if (known?.given === subject) return known;
    const number = settingNumber(setting());
    if (known !== undefined) {
      known.given = subject;
      known.setting = number;
      return known;
    }
    if (subjects.size >= 2 * mostKept) subjects.clear();
    const made = { given: subject, setting: number, last: undefined };
    subjects.set(subject.id, made);
    return made;
  }

  function cellOf(position: Position, subject = subjectOf(position)): Cell {
    const { handler, variant = 0, multiplier = 1 } = position;
    const ofHandler = named.get(handler) ?? new Map<number, Cell>();
    const number = subject.setting * mostVariants + variant;
    const known = ofHandler.get(number);
    if (known !== undefined) return known;
    if (cellCount >= 2 * mostKept) {
      forget();
      return cellOf(position, subject);
    }
    const cell = { numbers: read(position.keys()), multiplier, place: -1, weight: 0, total: 0, squares: 0 };
    named.set(handler, ofHandler);
    ofHandler.set(number, cell);
    cellCount += 1;
    return cell;
  }

  /** Keeps the cells that count most. */
  function forget(): void {
    const kept = new Set(cells.toSorted((a, b) => b.weight - a.weight).slice(0, mostKept));
    for (const [handler, ofHandler] of named)
      named.set(handler, new Map([...ofHandler].filter(([, cell]) => kept.has(cell))));
    cells = cells.filter((cell) => kept.has(cell));
    cells.forEach((cell, place) => {
      cell.place = place;
    });
    cellCount = cells.length;
  }

  /** Of a weight at the reference time, what counts at the latest one. */
  function scale(): number {
    return 2 ** ((reference - latest) / halfLife);
  }

  function move(at: number): void {
    if (size === 0) reference = at;
    latest = Math.max(latest, at);
    if (latest - reference < mostHalfLives * halfLife) return;
    const factor = scale();
    for (const cell of cells) {
      cell.weight *= factor;
      cell.total *= factor;
      cell.squares *= factor;
    }
    // What is left of observations of subjects is next to nothing.
    subjects.clear();
    reference = latest;
  }

  function tallyOf(level: number): Map<number, Tally> {
    const factor = scale();
    const found = new Map<number, Tally>();
    for (const { numbers, weight, total } of cells) {
      const number = numbers[level] ?? -1;
      const { count, total: before } = found.get(number) ?? { count: 0, total: 0 };
      found.set(number, { count: count + weight * factor, total: before + total * factor });
    }
    return found;
  }

  return {
    add(observation) {
      const { value, at } = observation;
      move(at);
      if (observations >= 2 * mostKept) {
        subjects.clear();
        observations = 0;
      }
      const subject = subjectOf(observation);
      const cell = cellOf(observation, subject);
      if (cell.place < 0) cell.place = cells.push(cell) - 1;
      const weight = observation.weight * 2 ** ((at - reference) / halfLife);
      cell.weight += weight;
      cell.total += weight * value;
      cell.squares += weight * value ** 2;
      subject.last = { cell, value, weight, before: subject.last };
      observations += 1;
      size += 1;
    },
    size: () => size,
    numbersOf: (position) => cellOf(position).numbers,
    ofSubject(id) {
      const seen: Seen[] = [];
      const factor = scale();
      for (let own = subjects.get(id)?.last; own !== undefined; own = own.before)
        seen.push({
          numbers: own.cell.numbers,
          multiplier: own.cell.multiplier,
          value: own.value,
          weight: own.weight * factor,
        });
      return seen;
    },
    table() {
      const { length } = cells;
      const factor = scale();
      const table = {
        length,
        weights: new Float64Array(length),
        totals: new Float64Array(length),
        squares: new Float64Array(length),
        multipliers: new Float64Array(length),
        numbers: Array.from({ length: levels }, () => new Int32Array(length)),
      };
      for (let place = 0; place < length; place += 1) {
        const cell = cells[place];
        if (cell === undefined) continue;
        table.weights[place] = cell.weight * factor;
        table.totals[place] = cell.total * factor;
        table.squares[place] = cell.squares * factor;
        table.multipliers[place] = cell.multiplier;
        for (let level = 0; level < levels; level += 1) {
          const numbers = table.numbers[level];
          if (numbers !== undefined) numbers[place] = cell.numbers[level] ?? -1;
        }
      }
      return table;
    },
    tally(level, number) {
      if (number < 0) return { count: 0, total: 0 };
      if (tallies.size !== size) tallies = { size, levels: [] };
      const known = (tallies.levels[level] ??= tallyOf(level));
      return known.get(number) ?? { count: 0, total: 0 };
    },
  };
}
