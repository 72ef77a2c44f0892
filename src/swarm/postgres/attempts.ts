import { createHash } from 'node:crypto';
import type { PgBoss } from 'pg-boss';
import { ProblemsError } from '../../errors.ts';
import { errorCode } from '../../util/text.ts';
import type { ClaimRef } from '../types.ts';
import { bossSchema } from './schema.ts';
import type { Server, Session } from './sql.ts';

/*
 * pg-boss keeps one job for each claim. A job is made and fetched in the transaction that claims the task, and settled in the
 * one that closes the claim, so neither is ever there without the other.
 */

const queue = 'attempts';

export interface Attempts {
  /** Fetches the job of a claim. @throws ProblemsError `state-damaged`: pg-boss does not hand it out. */
  begin(session: Session, claim: ClaimRef, about: { readonly project: string; readonly score: number }): Promise<void>;
  end(session: Session, claim: ClaimRef, project: string, how: 'done' | 'failed' | 'given back'): Promise<void>;
  /** Lets pg-boss delete jobs that ended long ago, at most once an hour. */
  tidy(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts pg-boss on the connections of the queue. Call it while other processes wait, since it may create its tables.
 * @throws ProblemsError `not-found`: pg-boss is not installed.
 */
export async function startAttempts(server: Server): Promise<Attempts> {
  const boss = await createBoss(server);
  await boss.start();
  if ((await boss.getQueue(queue)) === null)
    // A job is never handed out twice: a claim that is over gets a new one.
    await boss.createQueue(queue, { retryLimit: 0, expireInSeconds: 86_399, deleteAfterSeconds: 7 * 86_400 });

  let tidyAt = 0;
  return {
    async begin({ raw }, claim, { project, score }) {
      const id = jobId(project, claim);
      const data = { project, task: claim.task, token: claim.token };
      // Its priority is for people who look at the jobs; the order of tasks is decided before.
      const priority = Math.round(Math.min(score, 2_000_000) * 1_000);
      await boss.insert(queue, [{ id, data, priority }], { db: raw });
      const [job] = await boss.fetch(queue, { db: raw, minPriority: priority, maxPriority: priority });
      if (job?.id !== id)
        throw new ProblemsError('state-damaged', `pg-boss did not hand out the job of ${claim.task}.`, {
          hint: `Only this program may put jobs into the queue "${queue}" of the schema ${bossSchema}.`,
        });
    },
    async end({ raw }, claim, project, how) {
      // By the job as it was fetched, never by its id alone: that would settle it for whatever attempt it is in.
      const job = { id: jobId(project, claim), retryCount: 0 };
      // Whether the job is still active does not matter: that the claim is, was decided in our own tables.
      if (how === 'done') await boss.complete(queue, job, null, { db: raw });
      else if (how === 'failed') await boss.fail(queue, job, null, { db: raw });
      else await boss.cancel(queue, job, { db: raw });
    },
    async tidy() {
      if (performance.now() < tidyAt) return;
      tidyAt = performance.now() + 3_600_000;
      await boss.supervise(queue);
    },
    close: () => boss.stop({ graceful: false, close: false }),
  };
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

/** The same claim always has the same job. */
function jobId(project: string, { task, token }: ClaimRef): string {
  const hex = createHash('sha256')
    .update(JSON.stringify([project, task, token]))
    .digest('hex');
  // Version 8 of RFC 9562: the application says how it is made.
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}
