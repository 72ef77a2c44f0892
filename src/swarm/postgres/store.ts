import { checkName } from '../bounds.ts';
import { defaultRetries, type RetrySettings } from '../rules.ts';
import type { SwarmStore } from '../store.ts';
import { startAttempts } from './attempts.ts';
import { claimNext, giveBack, grantedOf, renew, settle } from './claims.ts';
import { readPlace } from './connection.ts';
import { approveTask, cancelTask, drainWorker, limitScope, pauseScope, redriveTask, resumeScope } from './operators.ts';
import { eventsAfter, gatesOf, listTasks, outcomesAfter, statsOf } from './reads.ts';
import type { Queue } from './rows.ts';
import { migrate } from './schema.ts';
import { connect } from './sql.ts';
import { syncTasks } from './sync.ts';
import { holdEngine } from './workers.ts';

export { hasPassword } from './connection.ts';

export interface PostgresSwarmOptions {
  /** The same on every machine. One database holds the queues of several projects. */
  readonly project: string;
  /** Default: the clock of the database, so that a worker's wrong clock does no harm. */
  readonly now?: () => Date;
  /** Default: five failures that count, with the published cooldown, and twenty others. */
  readonly retries?: RetrySettings;
}

/**
 * The queue in a PostgreSQL database, for workers on any number of machines. Makes its tables if they are missing.
 * @param url As libpq reads it. What is missing comes from PGPASSWORD, PGPASSFILE and the like.
 * @throws ProblemsError `bad-usage`: the URL; `store-unreachable`; `not-found`: pg-boss is not installed;
 * `state-unwritable`: the role may not create the tables; `state-damaged`: a newer version wrote them.
 */
export async function openPostgresSwarm(
  url: string,
  { project, now, retries = defaultRetries }: PostgresSwarmOptions,
): Promise<SwarmStore> {
  checkName('name of the project', project);
  const server = await connect(readPlace(url));
  try {
    const attempts = await migrate(server, () => startAttempts(server));
    return storeOn({ server, attempts, project, retries, at: () => now?.().toISOString() ?? null });
  } catch (error) {
    await server.close();
    throw error;
  }
}

function storeOn(queue: Queue): SwarmStore {
  const { server, attempts } = queue;
  return {
    async sync(entries, covers) {
      const result = await syncTasks(queue, entries, covers);
      await attempts.tidy();
      return result;
    },
    claim: (request) => claimNext(queue, request),
    heartbeat: (claim, lease, progress) => renew(queue, claim, lease, progress),
    settle: (claim, report) => settle(queue, claim, report),
    release: (claim, waitMs, asks) => giveBack(queue, claim, waitMs, asks),
    claimed: (claim) => grantedOf(queue, claim),
    holdEngine: (engine, host, lease) => holdEngine(queue, engine, host, lease),
    approve: (task, by) => approveTask(queue, task, by),
    cancel: (task, why) => cancelTask(queue, task, why),
    redrive: (task) => redriveTask(queue, task),
    pause: (scope, why) => pauseScope(queue, scope, why),
    resume: (scope) => resumeScope(queue, scope),
    gates: () => gatesOf(queue, server),
    limit: (scope, perHour) => limitScope(queue, scope, perHour),
    drain: (worker, draining) => drainWorker(queue, worker, draining),
    list: (filter) => listTasks(queue, filter),
    events: (page) => eventsAfter(queue, page),
    outcomes: (page) => outcomesAfter(queue, page),
    stats: () => statsOf(queue),
    close() {
      // What has begun is finished; an error of the connection can change nothing any more.
      void attempts
        .close()
        .then(() => server.close())
        .catch(() => undefined);
    },
  };
}
