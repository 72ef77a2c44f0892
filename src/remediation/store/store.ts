import type { Json } from '../../util/json.ts';
import type {
  Decision,
  FailureClass,
  LeaseChanger,
  LeaseReader,
  Outcome,
  Plan,
  PortLease,
  Verification,
} from '../contract.ts';

/**
 * What must outlive the process: the journal of runs, leases, locks, suspensions and the audit log. When a call has
 * returned, what it wrote is on disk.
 */
export interface Store {
  readonly runs: RunJournal;
  readonly locks: Locks;
  readonly audit: AuditLog;
  readonly suspensions: Suspensions;
  /** Of one engine. */
  leases(host: string): Leases;
  close(): void;
}

/** Where a run stands. What has not `ended` and has been begun is taken up again by `resume`. */
export type Phase =
  'planned' | 'awaiting-approval' | 'preparing' | 'running' | 'verifying' | 'undoing' | 'cleaning' | 'ended';

export type StepState = 'pending' | 'applying' | 'done' | 'undoing' | 'undone' | 'failed';

export interface StepRecord {
  readonly index: number;
  /** The steps of the plan, then those of its cleanup. */
  readonly part: 'steps' | 'cleanup';
  readonly action: string;
  readonly state: StepState;
  /** RFC 3339. */
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly error: string | null;
}

/** A process, told apart from a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When the process began, as the system counts it; empty where it does not say. */
  readonly began: string;
  /** The boot and the space that process numbers belong to. */
  readonly machine: string;
}

export interface RunRecord {
  readonly id: string;
  readonly plan: Plan;
  readonly decision: Decision;
  readonly phase: Phase;
  readonly outcome: Outcome | null;
  readonly failure: { readonly class: FailureClass; readonly message: string } | null;
  readonly verification: Verification | null;
  readonly steps: readonly StepRecord[];
  readonly token: number | null;
  readonly owner: ProcessIdentity | null;
  readonly heartbeatAt: string | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly approvedBy: string | null;
  readonly downtimeMs: number | null;
  /** Path of the escalation dossier. */
  readonly dossier: string | null;
}

export interface RunChange {
  readonly phase?: Phase;
  readonly outcome?: Outcome;
  readonly failure?: RunRecord['failure'];
  readonly verification?: Verification;
  readonly approvedBy?: string;
  readonly downtimeMs?: number;
  readonly dossier?: string;
  readonly startedAt?: string;
  readonly endedAt?: string;
}

export interface RunJournal {
  create(run: {
    readonly id: string;
    readonly plan: Plan;
    readonly decision: Decision;
    readonly phase: Phase;
    readonly at: string;
  }): Promise<void>;
  change(id: string, change: RunChange, at: string): Promise<void>;
  /** As `change`, if the run is in one of these phases at that moment. False: it is in none of them, and nothing is written. */
  changeFrom(id: string, phases: readonly Phase[], change: RunChange, at: string): Promise<boolean>;
  /**
   * Turns a run back, in one commit with the step that failed, where that had begun. Apart, a process killed between the
   * two would leave a run that goes on, with a step that is prepared again over what it left half done.
   */
  goBack(id: string, failure: NonNullable<RunRecord['failure']>, at: string, failedStep?: number): Promise<void>;
  step(id: string, index: number, state: StepState, at: string, error?: string): Promise<void>;
  /** What undoing the step needs. May hold secrets: it is never part of a `RunRecord`. */
  keep(id: string, index: number, before: Json): Promise<void>;
  kept(id: string, index: number): Promise<Json | undefined>;
  get(id: string): Promise<RunRecord | undefined>;
  /** Newest first. Default 100. */
  list(filter?: {
    readonly open?: true;
    readonly instance?: string;
    readonly limit?: number;
  }): Promise<readonly RunRecord[]>;
  /** Runs of an instance that were begun since, for limits on attempts. */
  attempts(filter: {
    readonly remediator?: string;
    readonly instance?: string;
    readonly since: string;
  }): Promise<readonly RunRecord[]>;
}

export interface LockHolder {
  readonly volume: string;
  readonly run: string;
  readonly owner: ProcessIdentity;
  readonly heartbeatAt: string;
}

/**
 * Locks belong to a run and outlive its process: what a killed run has begun is nobody else's until it is resumed.
 * Tokens only grow, so that an owner who slept through a takeover is refused.
 */
export interface Locks {
  /** All of the volumes or none. A run that holds them already gets a higher token, if its owner is no more alive. */
  take(
    run: string,
    volumes: readonly string[],
    owner: ProcessIdentity,
    at: string,
  ): Promise<{ readonly ok: true; readonly token: number } | { readonly ok: false; readonly holder: LockHolder }>;
  heartbeat(run: string, token: number, at: string): Promise<void>;
  /** Whether the run still holds its locks by this token. */
  holds(run: string, token: number): Promise<boolean>;
  release(run: string, token: number): Promise<void>;
}

export interface Leases extends LeaseReader, LeaseChanger {
  get(instance: string): Promise<PortLease | undefined>;
}

export interface AuditEntry {
  readonly sequence: number;
  readonly at: string;
  readonly run: string | null;
  readonly event: string;
  readonly body: Json;
  readonly hash: string;
}

/** Append-only; each entry's hash covers the one before. */
export interface AuditLog {
  append(entry: {
    readonly at: string;
    readonly run: string | null;
    readonly event: string;
    readonly body: Json;
  }): Promise<void>;
  list(run?: string): Promise<readonly AuditEntry[]>;
  /** The sequence of the first entry that does not follow from the one before; undefined where all do. */
  firstBroken(): Promise<number | undefined>;
}

/** Instances on which nothing runs until a person has looked: suspected corruption, a failed rollback. */
export interface Suspensions {
  add(instance: string, reason: string, at: string): Promise<void>;
  get(instance: string): Promise<{ readonly reason: string; readonly at: string } | undefined>;
  lift(instance: string, at: string): Promise<void>;
}
