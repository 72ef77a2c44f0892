import { spawnSync } from 'node:child_process';

/** How often something took how many times as long as what ran beside it. */
export interface Ratio {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
  /** Medians, in milliseconds. */
  readonly time: number;
  readonly yardstick: number;
}

/** Something to time, in milliseconds. `prepare` is not counted. */
export interface Subject {
  readonly prepare?: () => void;
  readonly run: () => number;
}

/**
 * Runs both in turns, so that whatever else the machine does falls on both alike, and takes the ratio of each round.
 * The first round warms up and does not count.
 */
export function compare(subject: Subject, yardstick: Subject, rounds: number): Ratio {
  const pairs = Array.from({ length: rounds + 1 }, () => [timed(subject), timed(yardstick)] as const).slice(1);
  const ratios = pairs.map(([time, unit]) => time / unit).toSorted((a, b) => a - b);
  return {
    median: median(ratios),
    lowest: ratios[0] ?? Number.NaN,
    highest: ratios.at(-1) ?? Number.NaN,
    time: median(pairs.map(([time]) => time)),
    yardstick: median(pairs.map(([, unit]) => unit)),
  };
}

function timed({ prepare, run }: Subject): number {
  prepare?.();
  return run();
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? Number.NaN) + (sorted[sorted.length >> 1] ?? Number.NaN)) / 2;
}

/** A function, called so often that the clock can tell. */
export function calls(work: () => unknown, times: number): Subject {
  return {
    run() {
      const start = performance.now();
      for (let index = 0; index < times; index++) work();
      return (performance.now() - start) / times;
    },
  };
}

export interface ProcessOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly prepare?: () => void;
}

/** A whole process, from start to exit. Its input is empty, its output thrown away. @throws where it cannot do its work. */
export function processOf(
  command: string,
  args: readonly string[],
  { cwd, env, prepare }: ProcessOptions = {},
): Subject {
  return {
    ...(prepare === undefined ? {} : { prepare }),
    run() {
      const start = performance.now();
      const { status, error } = spawnSync(command, args, {
        cwd,
        env: { ...process.env, ...env },
        stdio: ['ignore', 'ignore', 'ignore'],
      });
      const time = performance.now() - start;
      if (error !== undefined || (status !== 0 && status !== 1))
        throw new Error(`${command} ${args.join(' ')} ended with ${status}`, { cause: error });
      return time;
    },
  };
}
