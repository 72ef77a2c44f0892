import type { Remediation } from '../app/remediation.ts';
import type {
  AlertView,
  BackupProof,
  DeliveryView,
  InstanceSample,
  InstanceView,
  JobView,
  RoundView,
  ServiceEvent,
  ServiceView,
  TrackedFinding,
} from './types.ts';

/** The running service, as the HTTP API, MCP and the page use it. */
export interface Service {
  view(): ServiceView;
  /** What was seen before: rounds, findings, samples, proofs, alerts, deliveries. */
  readonly history: ServiceStore;
  /** Returns the function that ends the subscription. Listeners must not throw. */
  subscribe(listener: (event: ServiceEvent) => void): () => void;
  /** Tells the listeners of what a part of the service has kept in the history: an alert, a delivery. */
  publish(event: ServiceEvent): void;
  /** Starts a full round, or joins the one that waits. Returns at once. */
  requestRound(request: { readonly instances?: readonly string[] }): RoundView;
  /**
   * Calls `work` with an opened engine: journal, policy, registries. Rounds go on meanwhile; the engine's own locks keep
   * repairs apart. The signal of the call is aborted when the service stops.
   * @throws ProblemsError `not-found`: no engine has this name; `interrupted`: the service is stopping.
   */
  withRemediation<Result>(engine: string, work: (remediation: Remediation) => Promise<Result>): Promise<Result>;
  /** Ends at a safe point: no new job, the step that runs ends, what was begun is undone. */
  stop(): Promise<void>;
}

/** What parts of the service need that only watch it: some of its history. */
export type WatchedService<Part extends keyof ServiceStore> = Pick<Service, 'view' | 'subscribe'> & {
  readonly history: Pick<ServiceStore, Part>;
};

/**
 * The history of the service in `service.db`, in a folder next to the journal, never in it. It may be deleted, which costs history alone. Calls
 * are synchronous: SQLite answers in microseconds, and one process writes.
 */
export interface ServiceStore {
  readonly rounds: {
    note(round: RoundView): void;
    /** Newest first. */
    list(limit: number): readonly RoundView[];
  };
  readonly instances: {
    note(instance: InstanceView): void;
    list(): readonly InstanceView[];
    forget(engine: string, instance: string): void;
  };
  readonly findings: {
    note(finding: TrackedFinding): void;
    /** Open ones, or all with those that are gone, newest first. */
    list(filter: {
      readonly state?: 'open' | 'gone';
      readonly instance?: string;
      readonly limit: number;
    }): readonly TrackedFinding[];
  };
  readonly samples: {
    note(engine: string, instance: string, sample: InstanceSample): void;
    /** Oldest first. */
    since(engine: string, instance: string, at: string): readonly InstanceSample[];
    /** Thins what is older than 48 h to one for each quarter of an hour, and removes what is older than 90 days. */
    thin(now: string): void;
  };
  readonly proofs: {
    note(proof: BackupProof): void;
    since(at: string): readonly BackupProof[];
  };
  readonly alerts: {
    note(alert: AlertView): void;
    /** Those that fire or are suppressed. */
    open(): readonly AlertView[];
    list(limit: number): readonly AlertView[];
  };
  readonly deliveries: {
    note(delivery: DeliveryView): void;
    list(limit: number): readonly DeliveryView[];
  };
  readonly jobs: {
    note(job: JobView): void;
    list(): readonly JobView[];
  };
  readonly tokens: {
    add(token: StoredToken): void;
    list(): readonly StoredToken[];
    remove(name: string): void;
  };
  readonly counters: {
    add(name: string, by: number): void;
    get(name: string): number;
    /** All of them by name. */
    list(): Readonly<Record<string, number>>;
  };
  close(): void;
}

export const scopes = ['read', 'request', 'approve'] as const;

/** Each scope contains those before it. */
export type Scope = (typeof scopes)[number];

export interface StoredToken {
  readonly name: string;
  readonly scope: Scope;
  /** SHA-256 in hex. The token itself is not kept. */
  readonly hash: string;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
  /** One-time tokens end when they are used. */
  readonly once: boolean;
}
