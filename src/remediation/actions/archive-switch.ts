import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Instance } from '../../host/instance.ts';
import type { Action, ReadonlyHost } from '../contract.ts';

const params = z.strictObject({ instance: z.string() });

const patienceMs = 60_000;

/** What proves that an archive works: a WAL file that got there. The marker in it is what a drill recovers to. */
export const archiveSwitch: Action<z.output<typeof params>, null> = {
  name: 'archive.switch',
  about: 'Writes a marker, closes the current WAL file, and waits until it is in the archive.',
  params,
  before: z.null(),
  operation: 'new-backup',
  deadlineMs: 120_000,
  describe: ({ instance }) => `close a WAL file of ${instance} and see it archived`,
  effect: async ({ instance }) => [{ object: `archive of ${instance}`, before: 'unproven', after: 'has a WAL file' }],
  prepare: async () => null,
  async isDone({ instance }, host) {
    return archived(await need(instance, host), host);
  },
  async apply({ instance }, host) {
    const found = await need(instance, host);
    if (await archived(found, host)) return;
    for (const sql of [
      // A run id is made of letters and digits.
      `SELECT pg_catalog.pg_create_restore_point('problems ${host.run.id}')`,
      'SELECT pg_catalog.pg_switch_wal()',
    ]) {
      const answer = await host.change.sql.execute(found, sql);
      if (!answer.ok) throw new Error(`${instance}: ${answer.message}`);
    }
    const until = performance.now() + patienceMs;
    while (!(await archived(found, host)) && performance.now() < until)
      await sleep(250, undefined, { signal: host.signal });
  },
  /** What is in the archive stays there. */
  undo: () => Promise.resolve(),
  isUndone: () => Promise.resolve(true),
};

async function need(name: string, host: ReadonlyHost): Promise<Instance> {
  const found = await host.instance(name);
  if (found === undefined) throw new ProblemsError('step-refused', `There is no instance ${name}.`);
  return found;
}

/** Since the server's start, and no failure after it. */
async function archived(instance: Instance, host: ReadonlyHost): Promise<boolean> {
  const answer = await host.sql.query(
    instance,
    `SELECT (last_archived_time > pg_catalog.pg_postmaster_start_time()
       AND coalesce(last_failed_time, '-infinity') < last_archived_time)::text AS archived
     FROM pg_catalog.pg_stat_archiver`,
  );
  return answer.ok && answer.rows[0]?.['archived'] === 'true';
}
