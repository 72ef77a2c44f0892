import type { Backup, BackupRepository } from '../backups/types.ts';
import type { InstanceVerdict } from '../backups/verdict.ts';
import type { HostBudget } from '../postgres/tuning/memory-fit.ts';
import type { Finding, Outcome, Skipped } from '../remediation/contract.ts';
import type { RemediationEvent } from '../remediation/events.ts';
import type { RunRecord } from '../remediation/store/store.ts';

/**
 * What the service knows, as plain data: metrics, alerts, pages, the HTTP API, MCP and `problems status` read nothing else.
 * Times are RFC 3339 in UTC, sizes bytes. Texts are redacted, and data: whoever shows them escapes them.
 */

/**
 * `up`: it answered at the last look. `down`: it did not. `unknown`: it could not be checked, for example since its engine
 * does not answer. Only a look says `up`: a status older than `staleAfterMs` is `unknown`.
 */
export type InstanceStatus = 'up' | 'down' | 'unknown';

export interface InstanceView {
  /** Name of the engine in the config; `local` if it lists none. */
  readonly engine: string;
  readonly instance: string;
  readonly status: InstanceStatus;
  /** Why it is not `up`, as one sentence; null if it is. */
  readonly reason: string | null;
  /** When this status began. */
  readonly since: string;
  /** The last look of any kind; null before the first. */
  readonly checkedAt: string | null;
  /** The last full round in which every remediator checked it; null if none has. */
  readonly fullyCheckedAt: string | null;
  readonly container: string | null;
  readonly image: string | null;
  readonly serverVersion: string | null;
  readonly address: string | null;
  readonly memory: {
    readonly usage: number | null;
    /** 0: no limit. */
    readonly limit: number | null;
    readonly worstCase: number | null;
  };
  readonly connections: { readonly used: number; readonly limit: number } | null;
  readonly databaseBytes: number | null;
  /** Since the statistics were reset; null if checksums are off or it did not answer. */
  readonly checksumFailures: number | null;
  /** Counted since the service first saw the instance. */
  readonly restarts: number;
  readonly oomKills: number;
  readonly suspended: { readonly reason: string; readonly since: string } | null;
  /** The checks of the last full round that could not run. */
  readonly notLookedAt: readonly Skipped[];
  /** GUIs and other clients, tried through their own networks. */
  readonly clients: readonly { readonly client: string; readonly reachable: boolean; readonly reason: string | null }[];
  readonly backups: InstanceVerdict | null;
}

export const severities = ['critical', 'high', 'medium', 'low'] as const;

/** The most severe first. */
export type Severity = (typeof severities)[number];

/** A finding with its history. It is gone when a look by its remediator no longer found it. */
export interface TrackedFinding {
  readonly engine: string;
  /** As the last round found it. */
  readonly finding: Omit<Finding, 'details'>;
  /** Follows from the finding. */
  readonly severity: Severity;
  readonly firstSeen: string;
  readonly lastSeen: string;
  /** Null: it is open. */
  readonly goneAt: string | null;
  /** How often it came back after it was gone. */
  readonly recurrences: number;
  readonly acknowledged: { readonly by: string; readonly at: string; readonly comment: string } | null;
  readonly silencedUntil: string | null;
}

/** `light`: the engine's list and one query for each instance. `event`: one instance after an event of its container. */
export type RoundKind = 'full' | 'light' | 'event';

export interface RoundView {
  readonly id: string;
  readonly kind: RoundKind;
  readonly startedAt: string;
  /** Null while it runs. */
  readonly endedAt: string | null;
  /** Null: all instances. */
  readonly instances: readonly string[] | null;
  readonly findings: number;
  readonly notLookedAt: number;
  /** Why the whole round failed, as one sentence. */
  readonly failure: string | null;
}

export interface EngineView {
  readonly name: string;
  readonly address: string;
  readonly reachable: boolean;
  readonly reason: string | null;
  readonly checkedAt: string | null;
  /** The memory of its machine, from the last full round. */
  readonly budget: HostBudget | null;
}

export const jobNames = [
  'light-look',
  'full-round',
  'verify-backups',
  'drill',
  'drill-archive',
  'remediate',
  'record',
] as const;

export type JobName = (typeof jobNames)[number];

export interface JobView {
  readonly name: JobName;
  /** A cron pattern, an interval such as `30s`, or `off`. */
  readonly schedule: string;
  readonly lastStartedAt: string | null;
  readonly lastEndedAt: string | null;
  /** Null: it ended well, or never ran. */
  readonly lastFailure: string | null;
  readonly nextAt: string | null;
}

/** The use of an instance at one look. Thinned to one for each quarter of an hour after 48 h; kept for 90 days. */
export interface InstanceSample {
  readonly at: string;
  readonly status: InstanceStatus;
  readonly memoryUsage: number | null;
  readonly memoryLimit: number | null;
  readonly memoryWorstCase: number | null;
  readonly connections: number | null;
  readonly connectionsLimit: number | null;
  readonly databaseBytes: number | null;
  readonly findings: number | null;
}

/** The highest level that a backup had reached at a time; one for each check, kept for ever. */
export interface BackupProof {
  readonly engine: string;
  readonly instance: string;
  /** `<instance>/<backup>`. */
  readonly backup: string;
  readonly at: string;
  readonly level: number;
  readonly verdict: Backup['verdict'];
  /** How long the drill took; null if no drill was made. */
  readonly restoreSeconds: number | null;
}

export interface BackupsView {
  readonly engine: string;
  readonly instance: string;
  readonly backups: readonly Backup[];
  readonly repositories: readonly BackupRepository[];
  readonly verdict: InstanceVerdict;
  readonly lastDrill: { readonly at: string; readonly passed: boolean; readonly seconds: number } | null;
}

export interface AlertView {
  /** Stable for one cause: the same finding, or the same rule about the same instance. */
  readonly fingerprint: string;
  readonly name: string;
  readonly severity: Severity;
  readonly engine: string | null;
  readonly instance: string | null;
  /** Id of the finding that it tells of; null for a rule. */
  readonly finding: string | null;
  readonly summary: string;
  readonly state: 'firing' | 'suppressed' | 'resolved';
  readonly startsAt: string;
  readonly endsAt: string | null;
  readonly acknowledged: { readonly by: string; readonly at: string; readonly comment: string } | null;
  readonly silencedUntil: string | null;
  /** What each channel was last told of it, so that a restart repeats nothing. */
  readonly sent: readonly { readonly channel: string; readonly state: 'firing' | 'resolved'; readonly at: string }[];
}

export interface DeliveryView {
  readonly at: string;
  readonly channel: string;
  readonly alerts: number;
  readonly attempts: number;
  /** Null: it was accepted. */
  readonly failure: string | null;
}

/** An instance of which nobody can say that nothing is wrong. */
export type UncheckedInstance = Pick<InstanceView, 'engine' | 'instance'> & { readonly reason: string };

/** Everything that the service knows now. */
export interface ServiceView {
  readonly at: string;
  readonly version: string;
  readonly startedAt: string;
  readonly state: 'starting' | 'running' | 'stopping';
  /** Nothing that changes anything can be asked for. */
  readonly readOnly: boolean;
  /** Why repairs are paused; null if they are not. */
  readonly paused: string | null;
  readonly engines: readonly EngineView[];
  /** Every instance that is expected or was ever seen, sorted by engine and name, until `problems forget`. */
  readonly instances: readonly InstanceView[];
  /** Those that no full round has checked completely of late, with a sentence that says why. */
  readonly unchecked: readonly UncheckedInstance[];
  /** Open findings, and those that went within the last 24 h. Sorted by severity, instance and id. */
  readonly findings: readonly TrackedFinding[];
  /** Runs that have not ended, or that are stuck. Newest first. */
  readonly openRuns: readonly RunRecord[];
  readonly backups: readonly BackupsView[];
  readonly jobs: readonly JobView[];
  readonly alerts: readonly AlertView[];
  readonly deliveries: readonly DeliveryView[];
  readonly lastRound: RoundView | null;
  readonly runningRound: RoundView | null;
  readonly lastLookAt: string | null;
  readonly registry: {
    readonly problems: readonly {
      readonly component: string;
      readonly severity: string;
      readonly status: string;
      readonly count: number;
    }[];
    readonly tasks: readonly { readonly kind: string; readonly band: string; readonly count: number }[];
  };
  /** Creations of containers that the service has seen, from its first start. */
  readonly creations: { readonly started: number; readonly failed: number };
}

/** What happens, as it happens: for pages, metrics and logs. New types may be added. */
export type ServiceEvent =
  | { readonly type: 'round'; readonly round: RoundView }
  | { readonly type: 'instance'; readonly instance: InstanceView }
  /** New, changed or gone. */
  | { readonly type: 'finding'; readonly finding: TrackedFinding }
  | { readonly type: 'alert'; readonly alert: AlertView }
  | { readonly type: 'delivery'; readonly delivery: DeliveryView }
  | { readonly type: 'job'; readonly job: JobView }
  | { readonly type: 'proof'; readonly proof: BackupProof }
  /** One remediator has checked one instance. */
  | { readonly type: 'checked'; readonly instance: string; readonly remediator: string; readonly seconds: number }
  /** A run has ended. */
  | {
      readonly type: 'run-ended';
      readonly run: string;
      readonly remediator: string;
      readonly outcome: Outcome;
      readonly downtimeSeconds: number | null;
    }
  /** A finding is gone: how long it was there, by the class of its problem. */
  | { readonly type: 'repaired'; readonly class: string; readonly seconds: number }
  | { readonly type: 'recurred'; readonly class: string }
  /** Steps of a run and progress of a check. */
  | { readonly type: 'remediation'; readonly event: RemediationEvent };
