import type { automations, problemClasses, taskFlags, taskKinds } from './terms.ts';
import type { Estimates, Priority } from '../priority/types.ts';
import type { ActiveProblem } from '../registry/record.ts';

export type TaskKind = (typeof taskKinds)[number];

export type ProblemClass = (typeof problemClasses)[number];

/** How far a fix may go unattended: it runs, it asks, or a person does it. */
export type Automation = (typeof automations)[number];

export type TaskFlag = (typeof taskFlags)[number];

/** Which class of problem a record is, who can take it, and how far it may go unattended; each with its reason. */
export interface Triage {
  readonly class: ProblemClass;
  readonly classReason: string;
  /** Name of a remediator (`port-reassignment`, …), `agent` or `person`. */
  readonly handler: string;
  readonly handlerReason: string;
  readonly automation: Automation;
  readonly automationReason: string;
}

/** A piece of work for the swarm. */
export interface Task extends Triage {
  /** Content-derived and stable; a file name: `[a-z0-9-]`, at most 100 characters. */
  readonly id: string;
  readonly kind: TaskKind;
  readonly title: string;
  readonly description: string;
  /** Id of the record it comes from. */
  readonly problem: string;
  readonly component: string;
  /** The registry's path. */
  readonly target: string;
  /** Of an Active record: the tie order looks at it. */
  readonly severity?: NonNullable<ActiveProblem['severity']>;
  /** When an Active or Intermittent problem was last seen, as ISO text: a finished task comes back only after it. */
  readonly lastOccurrence?: string;
  readonly flags: readonly TaskFlag[];
  /** Ids of tasks that come first. */
  readonly dependencies: readonly string[];
  readonly estimates: Estimates;
  readonly priority: Priority;
}
