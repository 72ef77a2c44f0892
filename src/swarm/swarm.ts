import { ProblemsError } from '../errors.ts';
import type { Task } from '../tasks/types.ts';
import { claimName, defaultLease, readClaimName } from './bounds.ts';
import type { Page, SwarmStore } from './store.ts';
import type {
  Changed,
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
  TaskFilter,
  TaskOutcome,
} from './types.ts';

/** A task that this worker holds. */
export interface Claim {
  /** The task's id and the token: `resolution-orders--ports@42`. Another process can continue the claim by it. */
  readonly name: string;
  readonly token: number;
  readonly task: Task;
  /** The task as the queue keeps it. */
  readonly entry: SwarmTask;
  /**
   * Aborts when the lease is lost or the task was cancelled. Then end at the next safe point and report; what is reported
   * after the lease was lost is refused. The reason is a ProblemsError, `lock-held` or `interrupted`.
   */
  readonly signal: AbortSignal;
  /** Renews the lease and shows how far the work is. It is renewed by itself too, three times within each lease. */
  heartbeat(progress?: string): Promise<Held>;
  /** Ends the claim. Call it again with the same report if you did not hear the answer: it counts once. */
  report(report: Report): Promise<Settled>;
  /**
   * Gives the task back. It can be claimed again at that time; default: at once.
   * @param asks What someone must decide before, for `problems tasks --waiting`: a command, at most 500 characters.
   */
  release(retryAt?: Date, asks?: string): Promise<Settled>;
}

/** The queue of one project. */
export interface Swarm {
  /** The first task in priority order that this worker may have; undefined if there is none now. */
  claim(request: ClaimRequest): Promise<Claim | undefined>;
  /**
   * Continues a claim that another process made. Its lease is renewed only by `heartbeat`. Undefined if it has ended.
   * @param lease Of each heartbeat, in seconds. Default 60.
   */
  continueClaim(name: string, lease?: number): Promise<Claim | undefined>;
  /** Reports for a claim by its name, also if it has ended: then a repeated report is recognised. */
  report(name: string, report: Report): Promise<Settled>;
  /** In priority order. */
  tasks(filter?: TaskFilter): Promise<readonly SwarmTask[]>;
  /** Approves what a task says now; another text revokes it. */
  approve(task: string, by: string): Promise<Changed>;
  /** A claimed task is cancelled when its worker lets go of it. */
  cancel(task: string, why: string): Promise<Changed>;
  /** Opens a task that is dead, cancelled or left to a person, or ends the waiting time of an open one. */
  redrive(task: string): Promise<Changed>;
  /** Holds back what is not claimed yet: `all`, or `kind:`, `handler:`, `engine:` or `component:` and a name. */
  pause(scope: string, why: string): Promise<void>;
  resume(scope: string): Promise<boolean>;
  gates(): Promise<readonly Gate[]>;
  /**
   * Hands out at most so many tasks of a scope within any hour, from 1 to 100,000; those of the hour before count, and what is given
   * back does not. Null ends the limit. Returns false if there was none to end. Scopes are those of `pause`.
   */
  limit(scope: string, perHour: number | null): Promise<boolean>;
  /** The worker keeps what it has and gets nothing more, until `draining` is false. Returns false if it is not known. */
  drain(worker: string, draining?: boolean): Promise<boolean>;
  /** Makes a host the only one whose workers repair on an engine, for `lease` seconds from now, or extends that. */
  holdEngine(engine: string, host: string, lease: number): Promise<EngineHeld>;
  /** Oldest first: `events({ after: last.seq })` gives what has happened since. */
  events(page?: Page): Promise<readonly SwarmEvent[]>;
  outcomes(page?: Page & { readonly task?: string }): Promise<readonly TaskOutcome[]>;
  stats(): Promise<SwarmStats>;
  /** Stops renewing leases, and closes the store. Claims that are held end with their leases. */
  close(): void;
}

/** The queue over a store. */
export function createSwarm(store: SwarmStore, now: () => Date = () => new Date()): Swarm {
  const renewals = new Set<() => void>();

  function claimOf(granted: Granted, lease: number, renews: boolean): Claim {
    const stop = new AbortController();
    let heardAt = performance.now();
    const timer = renews ? setInterval(renew, (lease * 1_000) / 3) : undefined;
    // A worker that waits for something else keeps the process alive; this must not.
    timer?.unref();
    renewals.add(end);

    function end(): void {
      clearInterval(timer);
      renewals.delete(end);
    }

    function lose(reason: ProblemsError): void {
      end();
      stop.abort(reason);
    }

    async function heartbeat(progress?: string): Promise<Held> {
      const sentAt = performance.now();
      const held = await store.heartbeat(granted, lease, progress);
      if (!held.held) lose(lost(granted));
      else {
        heardAt = sentAt;
        if (held.stopping !== null && !stop.signal.aborted) stop.abort(cancelled(granted, held.stopping));
      }
      return held;
    }

    function renew(): void {
      // A store that does not answer now may answer next time, but a lease that was not renewed is over.
      heartbeat().catch(() => {
        if (performance.now() - heardAt >= lease * 1_000) lose(lost(granted));
      });
    }

    return {
      name: claimName(granted),
      token: granted.token,
      task: granted.entry.task,
      entry: granted.entry,
      signal: stop.signal,
      heartbeat,
      async report(report) {
        const settled = await store.settle(granted, report);
        end();
        return settled;
      },
      async release(retryAt, asks) {
        const waitMs = retryAt === undefined ? 0 : Math.max(0, retryAt.getTime() - now().getTime());
        const settled = await store.release(granted, waitMs, asks);
        end();
        return settled;
      },
    };
  }

  return {
    async claim(request) {
      const granted = await store.claim(request);
      return granted === undefined ? undefined : claimOf(granted, request.lease ?? defaultLease, true);
    },
    async continueClaim(name, lease = defaultLease) {
      const granted = await store.claimed(readClaimName(name));
      return granted === undefined ? undefined : claimOf(granted, lease, false);
    },
    report: async (name, report) => store.settle(readClaimName(name), report),
    tasks: (filter) => store.list(filter),
    approve: (task, by) => store.approve(task, by),
    cancel: (task, why) => store.cancel(task, why),
    redrive: (task) => store.redrive(task),
    pause: (scope, why) => store.pause(scope, why),
    resume: (scope) => store.resume(scope),
    gates: () => store.gates(),
    limit: (scope, perHour) => store.limit(scope, perHour),
    drain: (worker, draining = true) => store.drain(worker, draining),
    holdEngine: (engine, host, lease) => store.holdEngine(engine, host, lease),
    events: (page) => store.events(page),
    outcomes: (page) => store.outcomes(page),
    stats: () => store.stats(),
    close() {
      for (const end of renewals) end();
      store.close();
    },
  };
}

function lost({ task, token }: Granted): ProblemsError {
  return new ProblemsError('lock-held', `The lease of ${claimName({ task, token })} has ended.`, {
    hint: 'Another worker may have the task. Stop at the next safe point; a report is refused.',
  });
}

function cancelled({ task }: Granted, why: string): ProblemsError {
  return new ProblemsError('interrupted', `${task} was cancelled${why === '' ? '' : `: ${why}`}.`, {
    hint: 'Stop at the next safe point, and report how far the work got.',
  });
}
