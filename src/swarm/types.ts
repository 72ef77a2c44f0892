import type { FailureClass } from '../remediation/contract.ts';
import type { Automation, Task, TaskKind } from '../tasks/types.ts';

/**
 * The states that a task is kept in. `open`: it waits, or can be claimed. `person`: its last failure needs your decision.
 * `dead`: it failed too often; `redrive` brings it back.
 */
export const taskStates = ['open', 'claimed', 'done', 'withdrawn', 'cancelled', 'person', 'dead'] as const;

export type TaskState = (typeof taskStates)[number];

/** Why an open task cannot be claimed now. */
export type Waiting =
  /** Its automation is `human`: no worker and no agent gets it. */
  | { readonly for: 'person' }
  | { readonly for: 'approval' }
  /** Ids of tasks that have neither ended well nor been withdrawn. */
  | { readonly for: 'tasks'; readonly tasks: readonly string[] }
  /** RFC 3339. */
  | { readonly for: 'time'; readonly until: string }
  | { readonly for: 'gate'; readonly scope: string; readonly why: string }
  /** As many tasks of the scope as its limit allows were handed out in the hour before. `until`: RFC 3339, when the next may be. */
  | { readonly for: 'limit'; readonly scope: string; readonly until: string }
  /** Another claimed task has the same serial key. */
  | { readonly for: 'key'; readonly key: string };

/** Where a task is. Times are RFC 3339. */
export type TaskStatus =
  | { readonly state: 'open'; readonly waiting: Waiting | null }
  | {
      readonly state: 'claimed';
      readonly worker: string;
      readonly token: number;
      readonly since: string;
      readonly leaseUntil: string;
      readonly progress: string | null;
      /** Why its worker was asked to stop; null if it was not. */
      readonly stopping: string | null;
    }
  | { readonly state: Exclude<TaskState, 'open' | 'claimed'>; readonly since: string };

/** How often a task failed. Both counts begin again when it ends well or is driven again. */
export interface Failures {
  /** Failures that count: each doubles the cooldown. */
  readonly counted: number;
  /** Attempts in a row that ended without a result of their own, such as a conflict or a lost lease. */
  readonly uncounted: number;
}

/** A task as the queue keeps it. */
export interface SwarmTask {
  readonly id: string;
  readonly task: Task;
  readonly status: TaskStatus;
  readonly failures: Failures;
  /** Who approved it; null if it is not approved. A change of what the task says revokes the approval. */
  readonly approvedBy: string | null;
  /**
   * What its worker has found to need your decision before it can go on, such as `problems approve r-42` for the plan that it has
   * made; null if nothing. The task itself may be approved, and is checked again when its waiting time ends.
   */
  readonly asks: string | null;
  /** Id of the Docker engine that its remediator works on; null if any worker may take it. */
  readonly engine: string | null;
  /** Only one task with the same key is claimed at a time. */
  readonly serialKey: string;
}

/** A task to enqueue. */
export interface TaskEntry {
  readonly task: Task;
  readonly engine: string | null;
}

/** What a sync covers: tasks that it would not make are withdrawn only within this. */
export interface SyncCoverage {
  /** Ids of all records that were read without an error. */
  readonly problems: ReadonlySet<string>;
  /** Registries that were read without an error, as `target` of their tasks names them. */
  readonly targets: ReadonlySet<string>;
}

/** Ids of tasks by what became of them, each sorted. Tasks whose score alone changed are in `rescored`. */
export interface SyncResult {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly rescored: readonly string[];
  /** Ended, and their problem has occurred since. */
  readonly returned: readonly string[];
  /** Their problem is resolved. */
  readonly withdrawn: readonly string[];
  readonly unchanged: number;
}

/** Who asks for work, and for which. */
export interface ClaimRequest {
  /** Name of the worker, the same every time: at most 200 characters. */
  readonly worker: string;
  /** Names of remediators, or `agent`. Default: `agent` alone. */
  readonly handlers?: readonly string[];
  /** Ids of the Docker engines that it can reach. Default: none, so it gets no task that belongs to one. */
  readonly engines?: readonly string[];
  /** Default: all kinds. */
  readonly kinds?: readonly TaskKind[];
  /** Ids of the only tasks that it may get, for a worker that chooses by itself. Default: all. */
  readonly tasks?: readonly string[];
  /** Seconds after which the task goes to another worker, unless a heartbeat comes first. Default 60. */
  readonly lease?: number;
}

/** Names one claim. A task that is claimed again gets a higher token. */
export interface ClaimRef {
  readonly task: string;
  readonly token: number;
}

/** What the store hands out. */
export interface Granted extends ClaimRef {
  readonly entry: SwarmTask;
}

/** How an attempt ended. */
export type Report = {
  /** For people, at most 8,000 characters. */
  readonly notes?: string;
  /** In whatever unit you count: money, tokens, minutes. */
  readonly cost?: number;
} & (
  | { readonly result: 'done' }
  /** Default class: `step-failed`. */
  | { readonly result: 'failed'; readonly class?: FailureClass }
);

/** What follows for the task. */
export type Next =
  | { readonly state: 'open'; readonly waitMs: number; readonly failures: Failures }
  | { readonly state: 'done' | 'person' | 'dead' | 'cancelled'; readonly failures: Failures };

/**
 * The answer to a report. A report that is repeated after it was accepted is accepted again and changes nothing. `stale`:
 * the claim has ended, and another worker may have the task.
 */
export type Settled =
  { readonly accepted: true; readonly state: TaskState } | { readonly accepted: false; readonly why: 'stale' };

/** The answer to a heartbeat. `stopping`: the task was cancelled; end at the next safe point and report. */
export type Held =
  | { readonly held: true; readonly leaseUntil: string; readonly stopping: string | null }
  | { readonly held: false; readonly why: 'stale' };

/** The answer to who works on an engine. `by`: the host that does, until its lease ends. */
export type EngineHeld =
  | { readonly held: true; readonly leaseUntil: string }
  | { readonly held: false; readonly by: string; readonly leaseUntil: string };

/** The answer to a change that an operator asks for. */
export type Changed =
  | { readonly changed: true; readonly task: SwarmTask }
  /** One sentence. */
  | { readonly changed: false; readonly why: string };

/** One accepted report. Outcomes are never changed, and outlive their task. */
export interface TaskOutcome {
  /** Only grows. */
  readonly seq: number;
  readonly task: string;
  readonly token: number;
  readonly problem: string;
  readonly kind: TaskKind;
  readonly component: string;
  readonly handler: string;
  readonly engine: string | null;
  readonly worker: string;
  readonly claimedAt: string;
  readonly endedAt: string;
  readonly result: 'done' | 'failed';
  /** Null for `done`. */
  readonly class: FailureClass | null;
  readonly notes: string;
  readonly cost: number | null;
}

export const taskEvents = [
  'added',
  'changed',
  'returned',
  'withdrawn',
  'approved',
  'approval-revoked',
  'claimed',
  'released',
  'lapsed',
  'done',
  'failed',
  'stopping',
  'cancelled',
  'redriven',
] as const;

export const scopeEvents = ['paused', 'resumed', 'limited', 'unlimited', 'draining', 'working'] as const;

/** What happened, in order. `lapsed`: a lease ended without a report. */
export type SwarmEvent = {
  /** Only grows. */
  readonly seq: number;
  readonly at: string;
  /** A reason, the name of an operator or the class of a failure; may be empty. */
  readonly note: string;
} & (
  | {
      readonly type: (typeof taskEvents)[number];
      readonly task: string;
      readonly worker: string | null;
      readonly token: number | null;
    }
  | {
      readonly type: (typeof scopeEvents)[number];
      /** The scope of a gate, or the name of a worker. */
      readonly scope: string;
    }
);

/** Holds back tasks that have not been claimed yet. */
export interface Gate {
  /** `all`, or `kind:`, `handler:`, `engine:` or `component:` and a name. */
  readonly scope: string;
  readonly why: string;
  readonly since: string;
}

/** How many tasks of a scope are handed out within any hour, at most. */
export interface Limit {
  /** As that of a gate. */
  readonly scope: string;
  /** 1 to 100,000. */
  readonly perHour: number;
  /** RFC 3339. */
  readonly since: string;
}

export interface Worker {
  readonly name: string;
  /** Host name and process id, for people. */
  readonly host: string;
  readonly pid: number;
  readonly handlers: readonly string[];
  readonly engines: readonly string[];
  /** Gets no further task. */
  readonly draining: boolean;
  /** RFC 3339: its last claim, heartbeat or report. */
  readonly seenAt: string;
  /** Ids of the tasks that it holds. */
  readonly holds: readonly string[];
}

export interface SwarmStats {
  readonly tasks: Readonly<Record<TaskState, number>>;
  /** Open tasks that can be claimed now. */
  readonly ready: number;
  /** Open tasks that cannot, by reason. */
  readonly waiting: Readonly<Record<Waiting['for'], number>>;
  readonly outcomes: Readonly<Record<TaskOutcome['result'], number>>;
  readonly gates: readonly Gate[];
  readonly limits: readonly Limit[];
  readonly workers: readonly Worker[];
}

/** Which tasks to list. Default: all. */
export interface TaskFilter {
  readonly ids?: readonly string[];
  readonly states?: readonly TaskState[];
  readonly automation?: Automation;
}
