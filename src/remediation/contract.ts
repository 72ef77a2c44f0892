import type { BackupChanger, BackupReader } from '../backups/types.ts';
import type { HostChanger, HostReader } from '../host/types.ts';
import type { Automation, Claims } from '../tasks/types.ts';
import type { Json } from '../util/json.ts';
import type { LeaseChanger, LeaseReader } from './leases.ts';
import type { Operation } from './operations.ts';
import type { Schema } from './standard-schema.ts';

/** Docker, PostgreSQL, files and backups of one machine. */
export interface ConnectedHost {
  readonly reader: HostReader & { readonly backups: BackupReader };
  readonly changer: HostChanger & { readonly backups: BackupChanger };
}

export interface OpenHost extends ConnectedHost {
  /** The same host, whose calls reject when the signal is aborted. Helper containers are still removed. */
  withSignal(signal: AbortSignal): ConnectedHost;
  /** For one round of checks: containers are inspected once, and each server has one connection, until `close`. */
  openRound?(signal: AbortSignal): { readonly reader: ConnectedHost['reader']; close(): Promise<void> };
  /** Passwords found so far. The same list until another is found. */
  secrets(): readonly string[];
  /** Names of instances whose password is too short to be redacted. Default: none. */
  shortSecrets?(): readonly string[];
}

export type { Json } from '../util/json.ts';
export type { LeaseChanger, LeaseReader, PortLease } from './leases.ts';

// Findings, plans and verifications are plain JSON: they are printed, approved, journalled and read by other processes.

export const risks = ['safe', 'restart', 'data'] as const;

/** What a plan interrupts or touches: nothing, a running service, or data. */
export type Risk = (typeof risks)[number];

/** One observation, verbatim. Secrets are redacted before it is printed or stored. */
export type Evidence =
  | { readonly type: 'message'; readonly text: string; readonly sqlstate?: string }
  /** A field of `docker inspect`: `State.Error`, `HostConfig.PortBindings`. */
  | { readonly type: 'docker'; readonly object: string; readonly field: string; readonly value: Json }
  | { readonly type: 'log'; readonly at: string; readonly text: string }
  | { readonly type: 'query'; readonly sql: string; readonly result: string }
  | { readonly type: 'file'; readonly path: string; readonly text: string }
  | { readonly type: 'probe'; readonly name: string; readonly result: string };

export interface Finding<Details extends Json = Json> {
  /** `<remediator>/<instance>/<kind>`, made by `findingId`: the same for the same problem every time. */
  readonly id: string;
  readonly remediator: string;
  /** The instance's name without its prefix. */
  readonly instance: string;
  /** What the remediator found, in kebab-case: `port-taken`, `wrong-owner`. */
  readonly kind: string;
  /** One sentence. */
  readonly summary: string;
  readonly risk: Risk;
  readonly evidence: readonly Evidence[];
  /** What the remediator's own `plan` needs. Checked against its `details` schema. */
  readonly details: Details;
  /** Id of the registry's record. Remediators leave it null; the engine fills it in, using `claims`. */
  readonly problem: string | null;
  /** Data may be damaged: no remediator runs on this instance until an operator has checked it. */
  readonly corruption?: true;
  /** The instance is down because of this, so the availability check adds no finding of its own. */
  readonly down?: true;
}

/** A check that could not run, and why. */
export interface Skipped {
  readonly remediator: string;
  readonly instance: string | null;
  readonly reason: string;
  /** The check can never run for this container. Absent if it only failed this time. */
  readonly lasting?: true;
}

export interface Detection<Details extends Json = Json> {
  readonly findings: readonly Finding<Details>[];
  readonly notLookedAt: readonly Skipped[];
}

/** Something that must still hold. The engine checks it right before the step, and refuses the step if it does not. */
export type Precondition =
  | {
      readonly check: 'container';
      /** Id or name. */
      readonly ref: string;
      readonly running?: boolean;
      readonly name?: string;
      readonly image?: string;
      readonly startedAt?: string;
    }
  | { readonly check: 'no-container'; readonly ref: string }
  /** No running container except these (ids) mounts the volume. */
  | { readonly check: 'volume-unused'; readonly volumeKey: string; readonly except: readonly string[] }
  /** No server answers in the container. Protects a server that has recovered from being stopped. */
  | { readonly check: 'not-serving'; readonly ref: string }
  | { readonly check: 'port-free'; readonly hostIp: string; readonly port: number }
  /** `null`: the file must not exist. */
  | { readonly check: 'file'; readonly path: string; readonly sha256: string | null };

export interface Step {
  /** Name of an action. */
  readonly action: string;
  readonly params: Json;
  /** Why this step is in the plan, if the action alone does not make it clear. */
  readonly why?: string;
  readonly expects?: readonly Precondition[];
  /** Default: the action's. */
  readonly deadlineMs?: number;
}

/** Something with data or history that is left after a fix. You may remove it; the engine never does. */
export interface Leftover {
  /** `container vrooli-postgres-orders.pgops-old-1a2b`. */
  readonly object: string;
  readonly why: string;
  /** The exact command. */
  readonly command: string;
}

export interface Plan<Expected extends Json = Json> {
  readonly type: 'plan';
  /** Name of the verifier that checks the result. */
  readonly remediator: string;
  /** Someone requested it, and no detector found it, so none runs again after the verification. */
  readonly requested?: true;
  readonly finding: Finding;
  readonly target: {
    readonly instance: string;
    /** Id of the container to work on. */
    readonly container: string;
    /** Locks to hold: the `volumeKey` of every instance touched. */
    readonly volumes: readonly string[];
  };
  /** One line in the imperative. */
  readonly summary: string;
  /** What a fixed run has done, as a clause: `orders moved from port 5434 to 5437`. Default: the summary. */
  readonly done?: string;
  readonly steps: readonly Step[];
  /** Steps after the verification, which ends the run. They need no undo. */
  readonly cleanup: readonly Step[];
  readonly leftovers: readonly Leftover[];
  readonly risk: Risk;
  /** Expected seconds during which the instance does not answer. 0: none. */
  readonly downtime: { readonly seconds: number; readonly why: string };
  /** Why it needs approval although no step does: completes "needs approval: …". Config and command line override it. */
  readonly approval?: string;
  /** What cannot be predicted, one sentence each. */
  readonly unpredictable: readonly string[];
  /** Once the run is fixed, `remediate` has the remediator check the instance again, and deals with what is new. */
  readonly checkAgain?: true;
  /** Once the run is fixed, nothing can be undone: a backup that was taken is kept. */
  readonly final?: true;
  /** What undoing means, if it is more than undoing the steps in reverse. */
  readonly undo: string;
  /** What must be true after the run, for the remediator's own `verify`. Checked against its `expected` schema. */
  readonly expected: Expected;
}

/** No plan would be safe: the reason, and what you can do. */
export interface Refusal {
  readonly type: 'refusal';
  readonly reason: string;
  readonly advice: string;
}

export const verificationResults = ['verified', 'not-verified', 'impossible'] as const;

export interface Verification {
  /** `impossible`: the checks could not run. That proves nothing, so the run is not fixed. */
  readonly result: (typeof verificationResults)[number];
  /** When the instance first answered again, RFC 3339: where the run's downtime ends. */
  readonly answeredAt?: string;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly seen: string }[];
}

/** An instance that must exist, and why, which completes "…, but <because>". */
export interface ExpectedInstance {
  readonly name: string;
  readonly because: string;
}

/** The host as remediators see it. Nothing in it can change anything, which is enforced at run time. */
export interface ReadonlyHost extends HostReader {
  readonly backups: BackupReader;
  readonly leases: LeaseReader;
  /** Instances that the config expects, that have an `instance.conf`, or that were seen before. Sorted by name. */
  expected(): Promise<readonly ExpectedInstance[]>;
  /** Static port reservations and other remediator settings of the config, by remediator name. */
  readonly settings: Readonly<Record<string, Json>>;
}

/** The host as actions see it. Every call under `change` first checks that the run still holds its locks. */
export interface Host extends ReadonlyHost {
  readonly change: HostChanger & { readonly backups: BackupChanger; readonly leases: LeaseChanger };
  readonly run: RunContext;
}

export interface RunContext {
  readonly id: string;
  readonly token: number;
  /** Labels for everything that the run creates: its id and its fencing token. */
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Checks whether a plan had its expected result. Every remediator is a verifier. Requested work, such as taking a backup,
 * has a verifier without a detector; its plans go to `submit`.
 */
export interface Verifier<Expected extends Json = Json> {
  readonly name: string;
  readonly description: string;
  readonly expected: Schema<Expected>;
  /** Schema of `remediation.settings.<name>` in the config. Absent: no settings. Strict schemas refuse unknown keys. */
  readonly settings?: Schema;
  /** Checks end to end, as a client, independently of the steps. */
  verify(plan: Plan<Expected>, host: ReadonlyHost): Promise<Verification>;
}

/** Read-only: finds one class of problem and plans its repair. A plain object in a list; folder name = `name`. */
export interface Remediator<Details extends Json = Json, Expected extends Json = Json> extends Verifier<Expected> {
  /** Schema of `Finding.details`, which may come from another process. */
  readonly details: Schema<Details>;
  /** Which records of registries belong to it. Triage uses it too. Absent: none. */
  readonly claims?: Claims;
  /**
   * `detect` is called once for each instance, with a host whose `instances()` names only that one (`{ all: true }` names
   * all). Instances are then checked at the same time, and one that hangs holds up no other. Default: one call for all.
   */
  readonly perInstance?: true;
  /** Its findings say that an instance is down, not why. One is dropped if another check's finding has `down`. */
  readonly findsSymptoms?: true;
  /**
   * Checks every instance of `host.instances()`. Several checks run at the same time, and what they ask the engine is
   * shared within a round. A check that does not end is given up after 5 minutes and reported as skipped.
   */
  detect(host: ReadonlyHost): Promise<Detection<Details>>;
  plan(finding: Finding<Details>, host: ReadonlyHost): Promise<Plan<Expected> | Refusal>;
}

/** Requested work with its plan, for `submit`. The finding states the request; its `problem` is null. */
export interface RequestedWork {
  readonly finding: Finding;
  readonly plan: Plan | Refusal;
}

/** What one step changes, as text: the values before and after. */
export interface Effect {
  readonly object: string;
  readonly before: string;
  readonly after: string;
}

/** Only actions change anything. They are idempotent, and what `prepare` captured is enough to undo one in another process. */
export interface Action<Params extends Json = Json, Before extends Json = Json> {
  /** `container.rename`, `volume.chown`, … */
  readonly name: string;
  readonly description: string;
  readonly params: Schema<Params>;
  /** Schema of what `prepare` returns. */
  readonly undoState: Schema<Before>;
  /**
   * What the policy decides on: one operation, or one for a running target and one for a stopped target. Use the
   * standard `operations`, or declare one: `{ name: 'write-note', floor: 'auto', description: 'a note in a file' }`.
   */
  readonly operation: Operation | { readonly running: Operation; readonly stopped: Operation };
  /** Name of the action that ends this one's effect later in the same plan: `container.start` for a stop. */
  readonly endedBy?: string;
  /** Docker volumes that keep what the step wrote even after undo: data is never deleted. */
  leaves?(params: Params): readonly string[];
  /** Default 60,000. */
  readonly deadlineMs?: number;
  /** The instance does not answer from this step on: the run's downtime begins here. */
  readonly interrupts?: true;
  /** One line in the imperative. */
  describe(params: Params): string;
  /** Before and after, for `problems plan`. Reads only. */
  effect(params: Params, host: ReadonlyHost): Promise<readonly Effect[]>;
  /**
   * Captures what `undo` needs. Reads only; called for every step before the first step runs, and again right before its
   * own. Stored apart from the journal that is shown, so it may contain a file's old text or a container's environment.
   */
  prepare(params: Params, host: ReadonlyHost): Promise<Before>;
  /** Whether the step took effect. A resumed run asks. */
  isDone(params: Params, host: ReadonlyHost, run: RunContext): Promise<boolean>;
  /**
   * Makes `apply` shorter without a visible change, such as a checkpoint before a stop. Called while everything is still
   * running, before the step is journalled as begun, with a limit of 60 seconds. A failure is recorded in the audit log
   * and otherwise ignored.
   */
  beforeInterrupt?(params: Params, host: Host): Promise<void>;
  apply(params: Params, host: Host): Promise<void>;
  /** Idempotent too. Absent: allowed only in `cleanup`. */
  undo?(params: Params, before: Before, host: Host): Promise<void>;
  /** Whether the state from before the step is restored. */
  isUndone?(params: Params, before: Before, host: ReadonlyHost): Promise<boolean>;
}

export const outcomes = ['absent', 'planned', 'awaiting-approval', 'fixed', 'rolled-back', 'stuck', 'failed'] as const;

export type Outcome = (typeof outcomes)[number];

export const failureClasses = [
  'transient',
  'precondition',
  'conflict',
  'unsafe',
  'data-risk',
  'rollback-failed',
  'unverified',
  'interrupted',
  'step-failed',
] as const;

/** Why a run was not fixed. See docs/engineering/safety.md#classes-of-failure. */
export type FailureClass = (typeof failureClasses)[number];

/** The new name of a replaced container. It is kept for you, and ignored by all remediators. */
export function asideName(container: { readonly name: string; readonly id: string }): string {
  return `${container.name}.pgops-old-${container.id.slice(0, 12)}`;
}

/** The stable id of a finding. `subject` distinguishes several findings of one kind on one instance. */
export function findingId(remediator: string, instance: string, kind: string, subject?: string): string {
  return [remediator, instance, kind, ...(subject === undefined ? [] : [subject])].join('/');
}

export const blockCauses = ['policy', 'never', 'pause', 'damage', 'suspension', 'failures'] as const;

/**
 * Why a plan must not run unattended. `policy`: the command line, config, registry or risk requires an operator. `never`:
 * an operation that never runs automatically. `failures`: it did not help before. `damage`: data may be damaged.
 */
export interface Block {
  readonly cause: (typeof blockCauses)[number];
  readonly reason: string;
}

/** Whether a plan may run unattended, with every reason, as journalled and shown. */
export interface Decision {
  readonly automation: Automation;
  /** The source that decided: `command line`, `config`, `registry` or `risk`. */
  readonly source: string;
  readonly reasons: readonly string[];
  /** Names of the operations of the plan. */
  readonly operations: readonly string[];
  /** Every reason why it is `human`; absent otherwise. */
  readonly holds?: readonly Block[];
}
