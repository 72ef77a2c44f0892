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
 * Everything that must outlive the process: the journal of runs, leases, locks, suspensions, samples and the audit log. A
 * call returns after its changes are on disk.
 */
export interface Store {
  readonly runs: RunJournal;
  readonly locks: Locks;
  readonly audit: AuditLog;
  readonly suspensions: Suspensions;
  readonly held: HeldState;
  /** The instances of one project, by the absolute path of its folder. */
  instances(project: string): SeenInstances;
  /** The leases of one engine. */
  leases(host: string): Leases;
  /** What was seen of the instances of one engine, for forecasts. */
  samples(host: string): Samples;
  close(): void;
}

export const runPhases = [
  'planned',
  'awaiting-approval',
  'preparing',
  'running',
  'verifying',
  'undoing',
  'cleaning',
  'ended',
] as const;

/** The phase of a run. `resume` continues a run that has begun and has not `ended`. */
export type Phase = (typeof runPhases)[number];

/** Phases of a run that has not begun. */
export const waiting: readonly Phase[] = ['planned', 'awaiting-approval'];

export const stepStates = ['pending', 'applying', 'done', 'undoing', 'undone', 'failed'] as const;

export type StepState = (typeof stepStates)[number];

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

/** A process, distinguishable from a later one with the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When the process began, in the system's own clock; empty if the system does not tell. */
  readonly began: string;
  /** The boot and the pid namespace. */
  readonly machine: string;
}

export interface RunRecord {
  readonly id: string;
  /** The absolute path of the project's folder, whose files its steps may use; empty for runs of older versions. */
  readonly project: string;
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
  /** Path of the escalation report. */
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

/** A run, and the token of the locks that its process holds. */
export interface RunClaim {
  readonly id: string;
  readonly token: number;
}

/**
 * Runs are signed by the user who runs `problems`. No write changes a run that this user has not signed.
 * Writes that take a claim are refused, within their own transaction, if the run no longer holds its locks with that token:
 * a process that was stopped while another one took over or ended its run writes nothing more.
 * @throws ProblemsError `lock-held`: the claim is stale. `state-untrusted`: the run was changed by someone else.
 */
export interface RunJournal {
  create(run: {
    readonly id: string;
    readonly project: string;
    readonly plan: Plan;
    readonly decision: Decision;
    readonly phase: Phase;
    readonly at: string;
  }): Promise<void>;
  /** Changes a run that has not begun, without its locks. Returns false and writes nothing if it has. */
  changeWaiting(id: string, change: RunChange, at: string): Promise<boolean>;
  change(claim: RunClaim, change: RunChange, at: string): Promise<void>;
  /** As `change`, if the run is in one of these phases. Returns false and writes nothing if it is in none of them. */
  changeFrom(claim: RunClaim, phases: readonly Phase[], change: RunChange, at: string): Promise<boolean>;
  /**
   * Starts the rollback of a run, and marks the failed step if it had begun, in one commit. With two commits, a process
   * killed in between would leave a run that goes on and captures the half-done step as its undo state.
   */
  goBack(claim: RunClaim, failure: NonNullable<RunRecord['failure']>, at: string, failedStep?: number): Promise<void>;
  step(claim: RunClaim, index: number, state: StepState, at: string, error?: string): Promise<void>;
  /** Saves what undoing the step needs. It may contain secrets, so it is never part of a `RunRecord`. */
  keep(claim: RunClaim, index: number, before: Json): Promise<void>;
  /** @throws ProblemsError `state-untrusted`: this user did not sign it. */
  kept(id: string, index: number): Promise<Json | undefined>;
  /**
   * The run, to act on it: it is as this user's processes have written it.
   * @throws ProblemsError `state-untrusted`: this user did not sign it, or it was changed since.
   */
  trusted(id: string): Promise<RunRecord | undefined>;
  /** Whether this user has signed the run and what its undo needs, as they are. */
  isSigned(id: string): Promise<boolean>;
  /** Signs a run and what its undo needs as they are. Returns false if there is none. */
  sign(id: string, at: string): Promise<boolean>;
  /** The run, to show it. */
  get(id: string): Promise<RunRecord | undefined>;
  /** Newest first. Default 100. */
  list(filter?: {
    readonly open?: true;
    /** Runs of this project, and those of older versions, which recorded none. */
    readonly project?: string;
    readonly instance?: string;
    readonly limit?: number;
  }): Promise<readonly RunRecord[]>;
  /**
   * Runs of this project that someone may have to look after, newest first: those that have begun and not ended, and those that wait
   * for an approval or are stuck, unless a later run is about the same finding.
   */
  pending(project: string): Promise<readonly RunRecord[]>;
  /** Runs that have begun since a time, for limits on attempts. */
  attempts(filter: {
    readonly remediator?: string;
    readonly instance?: string;
    readonly since: string;
  }): Promise<readonly RunRecord[]>;
}

/** The runs about a problem among the latest 1,000 of a project, newest first. */
export async function runsAbout(
  problem: string,
  journal: Pick<RunJournal, 'list'>,
  project: string,
): Promise<readonly RunRecord[]> {
  const runs = await journal.list({ project, limit: 1_000 });
  return runs.filter(({ plan }) => plan.finding.problem === problem);
}

export interface LockHolder {
  readonly volume: string;
  readonly run: string;
  readonly owner: ProcessIdentity;
  readonly heartbeatAt: string;
}

/**
 * Locks belong to a run and outlive its process: no other run may touch what a killed run has begun until it is resumed.
 * Tokens only grow, so the engine can refuse an owner that was suspended during a takeover.
 */
export interface Locks {
  /** Locks all of the volumes or none. A run that already holds them gets a higher token if its owner is dead. */
  take(
    run: string,
    volumes: readonly string[],
    owner: ProcessIdentity,
    at: string,
  ): Promise<{ readonly ok: true; readonly token: number } | { readonly ok: false; readonly holder: LockHolder }>;
  heartbeat(run: string, token: number, at: string): Promise<void>;
  /** Whether the run still holds its locks with this token. */
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

/** Where the audit log is not as it was written. */
export interface AuditBreak {
  /** The first entry that is concerned. */
  readonly sequence: number;
  readonly reason: string;
}

/** Append-only; each entry's hash covers the previous entry, and the last one is also kept outside the state file. */
export interface AuditLog {
  append(entry: {
    readonly at: string;
    readonly run: string | null;
    readonly event: string;
    readonly body: Json;
  }): Promise<void>;
  list(run?: string): Promise<readonly AuditEntry[]>;
  /** Checks the last `most` entries, default all, and that what was once the last entry is still there. */
  verify(most?: number): Promise<AuditBreak | undefined>;
  /** After an operator has checked the file: takes the log as it is, and checks it from here on. */
  accept(at: string): Promise<void>;
}

/** Instances that were checked before, so that one that is gone is missed. */
export interface SeenInstances {
  /** Notes that these were there. */
  see(instances: readonly string[], at: string): Promise<void>;
  /** Sorted by name; `at`: when it was last seen, RFC 3339. */
  list(): Promise<readonly { readonly instance: string; readonly at: string }[]>;
  /** Returns false if it was not known. */
  forget(instance: string, at: string): Promise<boolean>;
}

/** Instances with suspected corruption or a failed rollback: nothing runs on them until an operator has checked. */
export interface Suspensions {
  add(instance: string, reason: string, at: string): Promise<void>;
  get(instance: string): Promise<{ readonly reason: string; readonly at: string } | undefined>;
  lift(instance: string, at: string): Promise<void>;
}

/** What is signed as a whole table. `engine leases`: which host's workers have an engine. */
export const heldTables = ['locks', 'leases', 'suspensions', 'engine leases'] as const;

export type HeldTable = (typeof heldTables)[number];

/**
 * Locks, leases and suspensions are signed by the user who runs `problems`. Calls that would change locks or leases that someone
 * else has changed throw a ProblemsError `state-untrusted`, and with changed suspensions every instance counts as suspended.
 */
export interface HeldState {
  /** Which of them someone else has changed. */
  changed(): Promise<readonly HeldTable[]>;
  /** After an operator has looked at the file: signs them as they are. */
  accept(at: string): Promise<void>;
}

/** What an instance used when it was checked. Sizes in bytes. */
export interface Reading {
  readonly instance: string;
  /** Id. */
  readonly container: string;
  /** RFC 3339. `oomKills` counts from then on. */
  readonly startedAt: string;
  /** 0: no limit. */
  readonly limit: number;
  /** Private and shared memory, without the page cache. */
  readonly memory: number;
  readonly oomKills: number;
  /** Null if it has too few to measure. */
  readonly sessions: number | null;
  readonly maxConnections: number;
}

/** The highest readings of an instance on one day. */
export interface SampledDay extends Pick<Reading, 'instance' | 'limit' | 'memory' | 'sessions' | 'maxConnections'> {
  /** `2026-11-30`, in UTC. */
  readonly day: string;
  /** The kernel killed a process of it at its memory limit since the reading before. */
  readonly killed: boolean;
}

/** A container of an instance, as it was when it was first seen to have started or failed. */
export interface Creation {
  readonly instance: string;
  /** Id. */
  readonly container: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** RFC 3339; null if it had not started, or so late that it may not have been the first start. */
  readonly startedAt: string | null;
  /** It asks for one particular host port. */
  readonly explicitPort: boolean;
  /** It could not start because its port was in use. */
  readonly conflict: boolean;
  /** `waiting`: neither yet. */
  readonly result: 'waiting' | 'started' | 'failed';
  /** How many other instances there were. */
  readonly instances: number;
}

/** Bounded: days are kept for 180 days, and the newest 5,000 creations. */
export interface Samples {
  /** Adds readings to their day. What a container's creation led to is not changed once it is known. */
  note(seen: {
    readonly readings: readonly Reading[];
    readonly creations: readonly Creation[];
    readonly at: string;
  }): Promise<void>;
  /** By instance, then oldest first. */
  days(): Promise<readonly SampledDay[]>;
  /** Oldest first. */
  creations(): Promise<readonly Creation[]>;
}
