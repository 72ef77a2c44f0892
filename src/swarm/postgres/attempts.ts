import type { PgBoss } from 'pg-boss';
import { ProblemsError } from '../../errors.ts';
import { errorCode } from '../../util/text.ts';
import { bossSchema } from './schema.ts';
import type { Server } from './sql.ts';

/*
 * pg-boss keeps one job for each claim: who looks at its tables sees what is worked on, and it deletes what ended long ago. A job is
 * written by the statement that makes or closes the claim, so neither is ever there without the other. Calls of pg-boss would take
 * three more statements for each claim, and double its time.
 */

const queue = 'attempts';

/** A job is never handed out twice: a claim that is over gets a new one. In seconds. */
const limits = { expire: 86_399, keep: 7 * 86_400 } as const;

/** The same claim always has the same job. */
function jobId(row: string): string {
  return `md5(${row}.project || chr(10) || ${row}.id || chr(10) || ${row}.token)::uuid`;
}

/** Part of a statement: begins the job of each claim in `rows`, which has all columns of `task`. */
export function jobBegun(rows: string): string {
  return `job AS (
    INSERT INTO ${bossSchema}.job (id, name, data, priority, state, started_on, retry_limit, expire_seconds, deletion_seconds,
      keep_until, policy)
    SELECT ${jobId(rows)}, '${queue}', json_build_object('project', project, 'task', id, 'token', token)::jsonb,
      round(least(score, 2000000) * 1000)::int, 'active', now(), 0, ${limits.expire}, ${limits.keep},
      now() + ${limits.keep} * interval '1 second', 'standard'
    FROM ${rows})`;
}

/**
 * Part of a statement: ends the jobs of the claims in `rows`, which has `project`, `id` and `token`. Whether the job is still active
 * does not matter: that the claim is, was decided by its row. An UPDATE whose plan was made while there were few jobs reads all of
 * them, so that each report takes longer than the one before; a conflict is always looked up in the primary key.
 */
export function jobEnded(rows: string, how: 'completed' | 'failed' | 'cancelled'): string {
  return `job AS (
    INSERT INTO ${bossSchema}.job (id, name, state, completed_on, policy)
    SELECT ${jobId(rows)}, '${queue}', '${how}', now(), 'standard' FROM ${rows}
    ON CONFLICT (name, id) DO UPDATE SET state = excluded.state, completed_on = excluded.completed_on
    WHERE job.state = 'active')`;
}

export interface Attempts {
  /** Lets pg-boss delete jobs that ended long ago, at most once an hour. */
  tidy(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts pg-boss on the connections of the queue. Call it while other processes wait, since it may create its tables.
 * @throws ProblemsError `not-found`: pg-boss is not installed, or keeps its jobs in another way.
 */
export async function startAttempts(server: Server): Promise<Attempts> {
  const boss = await createBoss(server);
  await boss.start();
  if ((await boss.getQueue(queue)) === null)
    await boss.createQueue(queue, { retryLimit: 0, expireInSeconds: limits.expire, deleteAfterSeconds: limits.keep });
  await checkJobs(server);

  let tidyAt = 0;
  return {
    async tidy() {
      if (performance.now() < tidyAt) return;
      tidyAt = performance.now() + 3_600_000;
      await boss.supervise(queue);
    },
    close: () => boss.stop({ graceful: false, close: false }),
  };
}

/** Its tables may change with a new version. */
async function checkJobs(server: Server): Promise<void> {
  try {
    await server.rows(
      `SELECT id, name, data, priority, state, started_on, completed_on, retry_limit, expire_seconds, deletion_seconds,
         keep_until, policy FROM ${bossSchema}.job LIMIT 0`,
    );
  } catch (error) {
    if (errorCode(error) !== '42703') throw error;
    throw new ProblemsError('not-found', 'This version of pg-boss keeps its jobs in another way.', {
      hint: 'Install one that works: npm install pg-boss@12.38',
      cause: error,
    });
  }
}

async function createBoss(server: Server): Promise<PgBoss> {
  const { PgBoss } = await import('pg-boss').catch((error: unknown) => {
    if (errorCode(error) !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new ProblemsError('not-found', 'A queue on PostgreSQL needs the package pg-boss, which is not installed.', {
      hint: 'Install it: npm install pg-boss@12',
    });
  });
  const boss = new PgBoss({
    db: server.raw,
    schema: bossSchema,
    backend: 'postgres',
    supervise: false,
    schedule: false,
    registerInstance: false,
  });
  // What fails in the background is tried again; what fails in a call is thrown there.
  boss.on('error', () => undefined);
  return boss;
}
