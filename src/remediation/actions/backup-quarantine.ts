import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Backup } from '../../backups/types.ts';
import type { Action, ReadonlyHost } from '../contract.ts';

const params = z.strictObject({
  /** `<instance>/<name>`. */
  ref: z.string().regex(/^[^/\0]+\/[^/\0]+$/),
  /** Why, for people who find it there. */
  reason: z.string().min(1),
});
const before = z.strictObject({ state: z.string() });

/** The first half of a repair of backups: what does not hold is out of the way, and nothing of it is lost. */
export const backupQuarantine: Action<z.output<typeof params>, z.output<typeof before>> = {
  name: 'backup.quarantine',
  about: 'Moves a bad backup aside, read-only, with the reason beside it. Nothing of it is changed or removed.',
  params,
  before,
  operation: 'quarantine-backup',
  deadlineMs: 600_000,
  describe: ({ ref, reason }) => `set the backup ${ref} aside: ${reason}`,
  async effect({ ref }, host) {
    return [{ object: `backup ${ref}`, before: (await need(ref, host)).state, after: 'quarantined' }];
  },
  async prepare({ ref }, host) {
    const { state } = await need(ref, host);
    if (state === 'running')
      throw new ProblemsError('step-refused', `The backup ${ref} is being taken: it is left as it is.`);
    return { state };
  },
  async isDone({ ref }, host) {
    return (await host.backups.read(ref))?.state === 'quarantined';
  },
  async apply({ ref, reason }, host) {
    const backup = await need(ref, host);
    if (backup.state !== 'quarantined') await host.change.backups.quarantine(backup, reason);
  },
  async undo({ ref }, { state }, host) {
    const backup = await need(ref, host);
    if (state !== 'quarantined' && backup.state === 'quarantined') await host.change.backups.release(backup);
  },
  async isUndone({ ref }, { state }, host) {
    const backup = await host.backups.read(ref);
    return (backup?.state === 'quarantined') === (state === 'quarantined');
  },
};

async function need(ref: string, host: ReadonlyHost): Promise<Backup> {
  const backup = await host.backups.read(ref);
  if (backup === undefined) throw new ProblemsError('step-refused', `There is no backup ${ref}.`);
  return backup;
}
