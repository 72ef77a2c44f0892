import type { Diagnostic } from './diagnostics.ts';
import type { Position } from './position.ts';
import type { ProblemRecord } from './record.ts';

/** A block between markers of a kind that does not exist: kept as it stands. */
export interface UnknownBlock {
  readonly marker: string;
  readonly text: string;
  readonly place: Position;
}

/** One `PROBLEMS.md`, read. Records and diagnostics are in the order of the file. */
export interface Registry {
  readonly path: string;
  readonly component: string;
  readonly records: readonly ProblemRecord[];
  readonly unknown: readonly UnknownBlock[];
  readonly diagnostics: readonly Diagnostic[];
}

export interface ReadOptions {
  /** Written into records and diagnostics as it is. Default `PROBLEMS.md`. */
  readonly path?: string;
  /** Default `root`. */
  readonly component?: string;
  /**
   * Which front end makes the outlines. `auto`, the default: the line reader, and remark for what it steps aside
   * from. `markdown`: remark alone, the reference.
   */
  readonly outline?: 'auto' | 'markdown';
}
