import type { BackupChanger, BackupReader } from '../backups/types.ts';
import type { z } from 'zod';
import type { HostChanger, HostReader } from '../host/types.ts';
import type { Automation, Claims } from '../tasks/types.ts';
import type { Json } from '../util/json.ts';
import type { Operation } from './operations.ts';

/** Docker, PostgreSQL, files and backups of one machine. */
export interface ConnectedHost {
  readonly reader: HostReader & { readonly backups: BackupReader };
  readonly changer: HostChanger & { readonly backups: BackupChanger };
}

export interface OpenHost extends ConnectedHost {
  /** The same host; its calls reject when the signal is aborted, helper containers are removed all the same. */
  withSignal(signal: AbortSignal): ConnectedHost;
  /** Passwords handed to drivers so far: to be taken out of whatever is printed or kept. */
  secrets(): readonly string[];
}

export type { Json } from '../util/json.ts';

/**
 * The contract: remediators plan, actions act, the engine runs. Findings, plans and verifications are plain JSON: they
 * are printed, approved, journalled and read back by another process.
 */

/** How much a plan touches: nothing that runs; a restart of something; the data itself. */
export type Risk = 'safe' | 'restart' | 'data';

/** One thing that was seen, as it was seen. Secrets are taken out before it is printed or kept. */
export type Evidence =
  | { readonly type: 'message'; readonly text: string; readonly sqlstate?: string }
  /** A field of `docker inspect`: `State.Error`, `HostConfig.PortBindings`. */
  | { readonly type: 'docker'; readonly object: string; readonly field: string; readonly value: Json }
  | { readonly type: 'log'; readonly at: string; readonly text: string }
  | { readonly type: 'query'; readonly sql: string; readonly result: string }
  | { readonly type: 'file'; readonly path: string; readonly text: string }
  | { readonly type: 'probe'; readonly name: string; readonly result: string };

export interface Finding<Details extends Json = Json> {
  /** `<remediator>/<instance>/<kind>`, made by `findingId`: the same for the same trouble, whenever it is seen. */
  readonly id: string;
  readonly remediator: string;
  /** The instance's name without prefix. */
  readonly instance: string;
  /** The remediator's word for what it found: `port-taken`, `wrong-owner`. kebab-case. */
  readonly kind: string;
  /** One sentence. */
  readonly summary: string;
  readonly risk: Risk;
  readonly evidence: readonly Evidence[];
  /** What the remediator's own `plan` needs. Checked against its `details` schema. */
  readonly details: Details;
  /** The registry's record this is about. The engine fills it in by `claims`; remediators leave it null. */
  readonly problem: string | null;
  /** Data may be damaged: no remediator runs on this instance until a person has looked. */
  readonly corruption?: true;
}

/** What could not be looked at, and why. */
export interface Skipped {
  readonly remediator: string;
  readonly instance: string | null;
  readonly reason: string;
  /** No later look sees more while the instance is made as it is. Not the work that could not be done this time. */
  readonly lasting?: true;
}

export interface Detection<Details extends Json = Json> {
  readonly findings: readonly Finding<Details>[];
  readonly notLookedAt: readonly Skipped[];
}

/** Something that must still hold. The engine asks right before the step, and refuses it if the answer has changed. */
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
  /** No running container but these (ids) mounts the volume. */
  | { readonly check: 'volume-unused'; readonly volumeKey: string; readonly except: readonly string[] }
  /** No server answers in the container: one that has come up meanwhile is not stopped. */
  | { readonly check: 'not-serving'; readonly ref: string }
  | { readonly check: 'port-free'; readonly hostIp: string; readonly port: number }
  /** `null`: there must be no such file. */
  | { readonly check: 'file'; readonly path: string; readonly sha256: string | null };

export interface Step {
  /** Name of an action. */
  readonly action: string;
  readonly params: Json;
  /** Beyond what the action says of itself: why this step is here. */
  readonly why?: string;
  readonly expects?: readonly Precondition[];
  /** Default: the action's. */
  readonly deadlineMs?: number;
}

/** What is left over after a fix and holds data or history: a person may remove it, the engine never does. */
export interface Leftover {
  /** `container vrooli-postgres-orders.pgops-old-1a2b`. */
  readonly object: string;
  readonly why: string;
  /** The exact command. */
  readonly command: string;
}

export interface Plan<Expected extends Json = Json> {
  readonly type: 'plan';
  /** Name of the verifier that judges the result. */
  readonly remediator: string;
  /** Someone asked for it; no detector found it, so none is asked again after the verification. */
  readonly requested?: true;
  readonly finding: Finding;
  readonly target: {
    readonly instance: string;
    /** The container that is worked on, by id. */
    readonly container: string;
    /** Locks to hold: the `volumeKey` of every instance touched. */
    readonly volumes: readonly string[];
  };
  /** One line. */
  readonly summary: string;
  readonly steps: readonly Step[];
  /** Ends the run when verified: only what needs no undo. */
  readonly cleanup: readonly Step[];
  readonly leftovers: readonly Leftover[];
  readonly risk: Risk;
  /** Seconds during which the instance does not answer, as expected. 0: none. */
  readonly downtime: { readonly seconds: number; readonly why: string };
  /** What cannot be foreseen, a sentence each. */
  readonly unpredictable: readonly string[];
  /** What undoing means for people, where it is more than the steps in reverse. */
  readonly undo: string;
  /** What must be true afterwards, for the remediator's own `verify`. Checked against its `expected` schema. */
  readonly expected: Expected;
}

/** No plan can be made safely: what stands in the way, and what a person can do. */
export interface Refusal {
  readonly type: 'refusal';
  readonly reason: string;
  readonly advice: string;
}

export interface Verification {
  /** `impossible`: it could not be asked. That is not a proof, and the run is not fixed. */
  readonly result: 'verified' | 'not-verified' | 'impossible';
  /** When the instance first answered again, RFC 3339: where the run's downtime ends. */
  readonly answeredAt?: string;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly seen: string }[];
}

/** A port held for an instance. `reserved` expires; `bound` belongs to a container that exists and does not. */
export interface PortLease {
  /** The engine's id. */
  readonly host: string;
  readonly port: number;
  readonly instance: string;
  readonly state: 'reserved' | 'bound';
  /** The process that took the lease: `pid <number>`. */
  readonly owner: string;
  readonly token: number;
  /** RFC 3339; null when bound. */
  readonly expiresAt: string | null;
}

export interface LeaseReader {
  /** Live ones of this engine, sorted by port. */
  list(): Promise<readonly PortLease[]>;
}

export interface LeaseChanger {
  /**
   * Takes one of the ports, in the given order, for the instance: the first that nobody holds. The same instance gets
   * the port it already holds, for at least the whole time from then on. `undefined`: all are held.
   */
  take(request: {
    readonly instance: string;
    readonly ports: readonly number[];
    readonly ttlMs: number;
  }): Promise<PortLease | undefined>;
  /** The container exists: the lease no longer expires. */
  bind(port: number, instance: string): Promise<void>;
  release(port: number, instance: string): Promise<void>;
  /**
   * Makes the instance's lease exactly this one, or none: what undoing needs. One that has ended is none. Refuses a port
   * that another holds.
   */
  put(instance: string, lease: PortLease | null): Promise<void>;
}

/** What remediators are given. Nothing in it can change anything, and that is enforced when it runs. */
export interface ReadonlyHost extends HostReader {
  readonly backups: BackupReader;
  readonly leases: LeaseReader;
  /** Static port reservations and other remediator settings of the config, by remediator name. */
  readonly settings: Readonly<Record<string, Json>>;
}

/** What actions are given. Every call under `change` first checks that the lock still holds. */
export interface Host extends ReadonlyHost {
  readonly change: HostChanger & { readonly backups: BackupChanger; readonly leases: LeaseChanger };
  readonly run: RunContext;
}

export interface RunContext {
  readonly id: string;
  readonly token: number;
  /** For everything that is created: run id and fencing token. */
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Says whether a plan did what it promised. Every remediator is one; work that someone asks for, such as taking a backup,
 * has a verifier without a detector, and its plans are handed to `submit`.
 */
export interface Verifier<Expected extends Json = Json> {
  readonly name: string;
  readonly description: string;
  readonly expected: z.ZodType<Expected>;
  /** What the config may hold under `remediation.settings.<name>`. Absent: nothing. Strict schemas refuse unknown keys. */
  readonly settings?: z.ZodType;
  /** Independent of the steps: from the client's place, end to end. */
  verify(plan: Plan<Expected>, host: ReadonlyHost): Promise<Verification>;
}

/** Read-only: finds one class of problem and plans its repair. A plain object in a list; folder name = `name`. */
export interface Remediator<Details extends Json = Json, Expected extends Json = Json> extends Verifier<Expected> {
  /** Of `Finding.details`, which may come back from another process. */
  readonly details: z.ZodType<Details>;
  /** Which records of registries belong to it. Triage reads it too. Absent: none. */
  readonly claims?: Claims;
  /** Looks at every instance of `host.instances()`. */
  detect(host: ReadonlyHost): Promise<Detection<Details>>;
  plan(finding: Finding<Details>, host: ReadonlyHost): Promise<Plan<Expected> | Refusal>;
}

/** Work that someone asked for, planned, for `submit`. The finding states the request: `problem` is null. */
export interface RequestedWork {
  readonly finding: Finding;
  readonly plan: Plan | Refusal;
}

/** What one step changes, for people: values before and after. */
export interface Effect {
  readonly object: string;
  readonly before: string;
  readonly after: string;
}

/**
 * The only code that changes anything. Convergent: applying twice equals once, `isDone` tells a killed run where it
 * was, and what `prepare` captured is enough to undo in another process.
 */
export interface Action<Params extends Json = Json, Before extends Json = Json> {
  /** `container.rename`, `volume.chown`, … */
  readonly name: string;
  readonly description: string;
  readonly params: z.ZodType<Params>;
  /** Of what `prepare` returns. */
  readonly undoState: z.ZodType<Before>;
  /**
   * What the policy decides on: one operation, or one for a target that runs and one for a target that does not. Use the
   * standard `operations`, or declare one: `{ name: 'write-note', floor: 'auto', description: 'a note in a file' }`.
   */
  readonly operation: Operation | { readonly running: Operation; readonly stopped: Operation };
  /** Name of the action that ends this one's effect on purpose later in the same plan: `container.start` of a stop. */
  readonly endedBy?: string;
  /** Docker volumes that stay, with what the step wrote, even after undo: data is never deleted. */
  leaves?(params: Params): readonly string[];
  /** Default 60,000. */
  readonly deadlineMs?: number;
  /** From here on the instance does not answer: where the run's downtime begins. */
  readonly interrupts?: true;
  /** One line in the imperative. */
  describe(params: Params): string;
  /** Before and after, for `problems plan`. Reads only. */
  effect(params: Params, host: ReadonlyHost): Promise<readonly Effect[]>;
  /**
   * Captures what `undo` needs. Reads only; called for every step before the first one runs, and again right before
   * its own. Kept apart from the journal that is shown, so it may hold a file's old text or a container's environment.
   */
  prepare(params: Params, host: ReadonlyHost): Promise<Before>;
  isDone(params: Params, host: ReadonlyHost, run: RunContext): Promise<boolean>;
  /**
   * What makes `apply` shorter and changes nothing that anybody could tell: a checkpoint before a stop. It comes while
   * everything still runs, before the step is journalled as begun, and has 60 seconds. That it fails is noted, and no
   * more.
   */
  beforeInterrupt?(params: Params, host: Host): Promise<void>;
  apply(params: Params, host: Host): Promise<void>;
  /** Convergent too. Absent: allowed only in `cleanup`. */
  undo?(params: Params, before: Before, host: Host): Promise<void>;
  /** Whether what was there before is there again. */
  isUndone?(params: Params, before: Before, host: ReadonlyHost): Promise<boolean>;
}

export type Outcome = 'absent' | 'planned' | 'awaiting-approval' | 'fixed' | 'rolled-back' | 'stuck' | 'failed';

/** Why a run was not fixed. See docs/engineering/safety.md#classes-of-failure. */
export type FailureClass =
  | 'transient'
  | 'precondition'
  | 'conflict'
  | 'unsafe'
  | 'data-risk'
  | 'rollback-failed'
  | 'unverified'
  | 'interrupted'
  | 'step-failed';

/** What a replaced container is called from then on: kept for people, looked at by no remediator. */
export function asideName(container: { readonly name: string; readonly id: string }): string {
  return `${container.name}.pgops-old-${container.id.slice(0, 12)}`;
}

/** The stable id of a finding. `subject` tells several of one kind on one instance apart. */
export function findingId(remediator: string, instance: string, kind: string, subject?: string): string {
  return [remediator, instance, kind, ...(subject === undefined ? [] : [subject])].join('/');
}

/**
 * Why only a person may let a plan run. `policy`: command line, config, registry or risk leave it to one. `never`: an
 * operation that no program does. `failures`: it did not help before. `damage`: data of the instance may be damaged.
 */
export interface Block {
  readonly cause: 'policy' | 'never' | 'pause' | 'damage' | 'suspension' | 'failures';
  readonly reason: string;
}

/** How far a plan may go unattended, with every reason, as it is journalled and shown. */
export interface Decision {
  readonly automation: Automation;
  /** Which source spoke first: `command line`, `config`, `registry`, `risk`. */
  readonly source: string;
  readonly reasons: readonly string[];
  /** Names of the operations of the plan. */
  readonly operations: readonly string[];
  /** Every reason why it is `human`; absent if it is not. */
  readonly holds?: readonly Block[];
}
