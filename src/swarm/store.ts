import type {
  Changed,
  ClaimRef,
  ClaimRequest,
  EngineHeld,
  Gate,
  Granted,
  Held,
  Report,
  Settled,
  SwarmEvent,
  SwarmStats,
  SwarmTask,
  SyncCoverage,
  SyncResult,
  TaskEntry,
  TaskFilter,
  TaskOutcome,
} from './types.ts';

/** Whether a text names a PostgreSQL server, and not a state file. */
export function isPostgresUrl(store: string): boolean {
  return /^postgres(?:ql)?:\/\//i.test(store);
}

/** The page of a log: what comes after `seq`, oldest first. */
export interface Page {
  /** Default 0: from the beginning. */
  readonly after?: number;
  /** Default 1,000. */
  readonly limit?: number;
}

/**
 * The queue of one project. Each call is one atomic change, on disk when it returns. Calls take durations and never times,
 * so that the clock of the store alone decides which lease is over.
 *
 * Promises, checked by test/swarm/contract.ts:
 * - A claim gets a token that is higher than any before. Only the newest claim of a task can report, and that is decided in
 *   the change that closes the task.
 * - Among the tasks that a worker may have, it gets the first one in priority order.
 * - An engine is held by at most one host at a time.
 * - Of the tasks with one serial key, at most one is claimed, over all projects of the store.
 * - A task of a person is never handed out; one that needs approval only once it has it.
 * - Every accepted report is an outcome, and stays one.
 */
export interface SwarmStore {
  /**
   * Makes the queue what the registries say: enqueues, rescores, brings back what has occurred again, and withdraws what is
   * resolved. Leaves claimed tasks with their workers. The same entries a second time change nothing.
   */
  sync(entries: readonly TaskEntry[], covers: SyncCoverage): Promise<SyncResult>;
  /** Undefined if there is nothing for this worker now. */
  claim(request: ClaimRequest): Promise<Granted | undefined>;
  /** Extends the lease to `lease` seconds from now. */
  heartbeat(claim: ClaimRef, lease: number, progress?: string): Promise<Held>;
  /** Closes the claim, and decides what becomes of the task. */
  settle(claim: ClaimRef, report: Report): Promise<Settled>;
  /**
   * Gives the task back without a result. It can be claimed again after `waitMs`.
   * @param asks What someone must decide before.
   */
  release(claim: ClaimRef, waitMs: number, asks?: string): Promise<Settled>;
  /** The claim of a task, for a process that continues what another one has claimed. Undefined if it is stale. */
  claimed(claim: ClaimRef): Promise<Granted | undefined>;
  /**
   * Makes a host the only one whose workers repair on an engine, for `lease` seconds from now, or extends that. The lease is
   * one for all projects of the store. Another host gets it only once it has ended.
   */
  holdEngine(engine: string, host: string, lease: number): Promise<EngineHeld>;
  approve(task: string, by: string): Promise<Changed>;
  /** A claimed task is cancelled when its worker lets go of it. One that was done meanwhile stays done. */
  cancel(task: string, why: string): Promise<Changed>;
  /** Opens a task that is dead, cancelled or left to a person, or ends the waiting time of an open one. */
  redrive(task: string): Promise<Changed>;
  pause(scope: string, why: string): Promise<void>;
  /** Returns false if the scope was not paused. */
  resume(scope: string): Promise<boolean>;
  gates(): Promise<readonly Gate[]>;
  /** At most so many tasks of a scope within any hour; what is given back does not count. Null ends the limit: false if there was none. */
  limit(scope: string, perHour: number | null): Promise<boolean>;
  /** `true`: it gets no further task. Returns false if there is no such worker. */
  drain(worker: string, draining: boolean): Promise<boolean>;
  /** In priority order. */
  list(filter?: TaskFilter): Promise<readonly SwarmTask[]>;
  events(page?: Page): Promise<readonly SwarmEvent[]>;
  outcomes(page?: Page & { readonly task?: string }): Promise<readonly TaskOutcome[]>;
  stats(): Promise<SwarmStats>;
  close(): void;
}
