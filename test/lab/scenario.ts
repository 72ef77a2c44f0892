import type { Run } from './run.ts';

/**
 * Breaks instances the way one record of the fixture registry tells it. What it makes carries the run's label, so that
 * taking it down is the same for all: see `removeObjects`.
 */
export interface Scenario {
  /** kebab-case, equal to the file's name. */
  readonly name: string;
  /** The registry's id of the record; undefined if nothing is wrong. */
  readonly problem: string | undefined;
  /** One sentence: what is broken. */
  readonly description: string;
  /** Causes the problem and calls `say` with each action. Returns when the problem can be detected. */
  up(run: Run, say: (line: string) => void): Promise<void>;
}
