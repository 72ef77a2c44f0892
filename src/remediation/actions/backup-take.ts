import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Action, ReadonlyHost } from '../contract.ts';

const params = z.strictObject({
  instance: z.string(),
  /** Of the new backup: one path segment. */
  name: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.:+-]{0,99}$/),
});
type Wanted = z.output<typeof params>;

/** PGOPS §3.2. It reads the server and writes beside it: nothing that is there is touched. */
export const backupTake: Action<Wanted, null> = {
  name: 'backup.take',
  about:
    'Takes a base backup with a manifest and a dump of each database with roles, both from the running server, with fingerprints of the rows that the dump holds; under a temporary name until it is durable and was compared with its manifest.',
  params,
  before: z.null(),
  operation: 'new-backup',
  deadlineMs: 24 * 3_600_000,
  describe: ({ instance, name }) => `take the backup ${name} of ${instance}`,
  effect: async (wanted) => [{ object: `backup ${refOf(wanted)}`, before: 'none', after: 'complete, at L3' }],
  async prepare(wanted, host) {
    const there = await host.backups.read(refOf(wanted));
    if (there !== undefined && there.state !== 'running')
      throw new ProblemsError('step-refused', `There is a backup ${refOf(wanted)} already.`);
    return null;
  },
  isDone,
  async apply(wanted, host) {
    if (await isDone(wanted, host)) return;
    const instance = await host.instance(wanted.instance);
    if (instance === undefined) throw new ProblemsError('step-refused', `There is no instance ${wanted.instance}.`);
    await host.change.backups.take({ instance, name: wanted.name, labels: host.run.labels });
  },
  /** What was taken is good for whoever needs it: a backup is never deleted for tidiness. */
  undo: () => Promise.resolve(),
  isUndone: () => Promise.resolve(true),
};

/** Whole under its name: it gets there by one rename. */
async function isDone(wanted: Wanted, host: ReadonlyHost): Promise<boolean> {
  const there = await host.backups.read(refOf(wanted));
  return there?.state === 'complete' && there.verification?.filesBy === 'completion';
}

function refOf({ instance, name }: Wanted): string {
  return `${instance}/${name}`;
}
