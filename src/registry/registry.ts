import type { Diagnostic } from './diagnostics.ts';
import type { Position } from './position.ts';
import type { ProblemRecord } from './record.ts';

/** A block between markers of an unknown kind, kept as written. */
export interface UnknownBlock {
  readonly marker: string;
  readonly text: string;
  readonly place: Position;
}

/** The content of one `PROBLEMS.md`. Records and diagnostics are in the order of the file. */
export interface Registry {
  readonly path: string;
  readonly component: string;
  readonly records: readonly ProblemRecord[];
  readonly unknown: readonly UnknownBlock[];
  readonly diagnostics: readonly Diagnostic[];
}

export interface ReadOptions {
  /** Copied into records and diagnostics. Default `PROBLEMS.md`. */
  readonly path?: string;
  /** Default `root`. */
  readonly component?: string;
  /**
   * Which front end makes the outlines. `auto`, the default: the line reader, and remark for blocks that the line reader
   * cannot read with certainty. `markdown`: only remark, the reference.
   */
  readonly outline?: 'auto' | 'markdown';
}
