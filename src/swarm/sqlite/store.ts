import { openSigner } from '../../host/user-key.ts';
import { type Database, openDatabase } from '../../remediation/store/sqlite/database.ts';
import { countsOf } from '../../remediation/store/sqlite/anchor.ts';
import { heldSeals, raiseCounts } from '../../remediation/store/sqlite/held.ts';
import { defaultRetries, type RetrySettings } from '../rules.ts';
import type { SwarmStore } from '../store.ts';
import { claimNext, giveBack, grantedOf, holdEngine, renew, settle } from './claims.ts';
import { approveTask, cancelTask, drainWorker, limitScope, pauseScope, redriveTask, resumeScope } from './operators.ts';
import { eventsAfter, gatesOf, listTasks, outcomesAfter, statsOf } from './reads.ts';
import type { Queue } from './rows.ts';
import { syncTasks } from './sync.ts';

export interface SqliteSwarmOptions {
  /** Absolute path of the project, or a name: one file holds the queues of several projects. */
  readonly project: string;
  /** Default: the system clock. */
  readonly now?: () => Date;
  /** Default: five failures that count, with the published cooldown, and twenty others. */
  readonly retries?: RetrySettings;
}

/**
 * The queue in a state file, for any number of processes on one machine. Every call is one transaction, and synced.
 * @throws ProblemsError as `openDatabase`; `file-unreadable`, `file-unwritable`: the user's key.
 */
export async function openSqliteSwarm(path: string, options: SqliteSwarmOptions): Promise<SwarmStore> {
  const database = await openDatabase(path);
  try {
    return await swarmIn(database, options, path);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** The queue in an open state file, of this path. Closing it closes the file. */
export async function swarmIn(
  database: Database,
  { project, now = () => new Date(), retries = defaultRetries }: SqliteSwarmOptions,
  path: string,
): Promise<SwarmStore> {
  const signer = await openSigner();
  const counts = countsOf(path);
  raiseCounts(database, counts);
  const held = heldSeals(database, path, signer, counts);
  if (!held.isBegun()) database.writing(() => held.begin());
  const queue: Queue = { database, project, now, retries, signer, held };
  function reading<Result>(work: () => Result): Result {
    return database.reading(work);
  }
  function writing<Result>(work: () => Result): Result {
    return database.writing(work);
  }
  return {
    sync: async (entries, covers) => writing(() => syncTasks(queue, entries, covers)),
    claim: async (request) => writing(() => claimNext(queue, request)),
    heartbeat: async (claim, lease, progress) => writing(() => renew(queue, claim, lease, progress)),
    settle: async (claim, report) => writing(() => settle(queue, claim, report)),
    release: async (claim, waitMs, asks) => writing(() => giveBack(queue, claim, waitMs, asks)),
    claimed: async (claim) => reading(() => grantedOf(queue, claim)),
    holdEngine: async (engine, host, lease) => writing(() => holdEngine(queue, engine, host, lease)),
    approve: async (task, by) => writing(() => approveTask(queue, task, by)),
    cancel: async (task, why) => writing(() => cancelTask(queue, task, why)),
    redrive: async (task) => writing(() => redriveTask(queue, task)),
    pause: async (scope, why) => writing(() => pauseScope(queue, scope, why)),
    resume: async (scope) => writing(() => resumeScope(queue, scope)),
    gates: async () => reading(() => gatesOf(queue)),
    limit: async (scope, perHour) => writing(() => limitScope(queue, scope, perHour)),
    drain: async (worker, draining) => writing(() => drainWorker(queue, worker, draining)),
    list: async (filter) => reading(() => listTasks(queue, filter)),
    events: async (page) => reading(() => eventsAfter(queue, page)),
    outcomes: async (page) => reading(() => outcomesAfter(queue, page)),
    stats: async () => reading(() => statsOf(queue)),
    close: () => database.close(),
  };
}
