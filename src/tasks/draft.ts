import type { TaskKind } from './types.ts';

/** A task before it has an id, a priority and dependencies. */
export interface Draft {
  readonly kind: TaskKind;
  /** What tells it from the record's other tasks of this kind; part of the id. */
  readonly topic?: string;
  readonly title: string;
  readonly description: string;
}
