import type { PrioritisedKind, PrioritisedRecord, Ranked } from '../priority/index.ts';
import type { Estimates, Priority } from '../priority/types.ts';
import type { ActiveProblem } from '../registry/record.ts';

/** The enumerations of tasks, used by their types and schemas. */

export const taskKinds = ['resolution', 'investigation', 'prevention', 'monitoring', 'documentation'] as const;

export const problemClasses = [
  'resource-conflict',
  'data-integrity',
  'configuration',
  'performance',
  'permissions',
  'migration',
  'network',
  'other',
] as const;

/** Whether a fix may run unattended: it runs, it needs approval, or you do it. */
export const automations = ['auto', 'approve', 'human'] as const;

export const taskFlags = ['immediate', 'alert', 'escalate'] as const;

export type TaskKind = (typeof taskKinds)[number];

export type ProblemClass = (typeof problemClasses)[number];

/** Whether a fix may run unattended: it runs, it needs approval, or you do it. */
export type Automation = (typeof automations)[number];

export type TaskFlag = (typeof taskFlags)[number];

/** The problems that a remediator handles, and how people write about them. */
export interface Claims {
  /** Short, for reasons: "Its title speaks of port conflicts". */
  readonly topic: string;
  readonly class: ProblemClass;
  /**
   * `port conflict`: the words in this order, with at most two others between them; a word of five letters or more also
   * begins longer ones, and plurals count. The more words of a phrase are found, the more it counts.
   */
  readonly phrases: readonly string[];
}

/** The class of a record, who handles it, and whether its repair may run unattended; each with its reason. */
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
  /** Of an Active record; used to break ties. */
  readonly severity?: NonNullable<ActiveProblem['severity']>;
  /** When an Active or Intermittent problem was last seen, as ISO text: a finished task comes back only after it. */
  readonly lastOccurrence?: string;
  readonly flags: readonly TaskFlag[];
  /** Ids of tasks that come first. */
  readonly dependencies: readonly string[];
  readonly estimates: Estimates;
  readonly priority: Priority;
}

/** A task before it has an id, a priority and dependencies. */
export interface Draft {
  readonly kind: TaskKind;
  /** Distinguishes it from the record's other tasks of this kind; part of the id. */
  readonly topic?: string;
  readonly title: string;
  readonly description: string;
}

/** A draft with everything that its task needs except its dependencies. */
export interface Planned extends PrioritisedRecord {
  readonly draft: Draft;
  readonly id: string;
  readonly triage: Triage;
}

/** What breaks ties besides the priority. */
export function isStanding(record: PrioritisedKind): Pick<Ranked, 'severity' | 'lastOccurrence'> {
  switch (record.kind) {
    case 'active':
      return {
        ...(record.severity === undefined ? {} : { severity: record.severity }),
        ...(record.lastOccurrence === undefined ? {} : { lastOccurrence: record.lastOccurrence }),
      };
    case 'intermittent':
      return record.lastSeen === undefined ? {} : { lastOccurrence: record.lastSeen };
    case 'pattern':
    case 'resolved':
      return {};
  }
}
