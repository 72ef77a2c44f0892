import { z } from 'zod';
import { isPutBack } from '../../backups/verdict.ts';
import { ProblemsError } from '../../errors.ts';
import type { Action } from '../contract.ts';
import { operations } from '../operations.ts';
import { requireBackup } from './backup.ts';

const params = z.strictObject({
  /** `<instance>/<name>` of a quarantined backup. */
  ref: z.string().regex(/^[^/\0]+\/[^/\0]+$/),
});

const before = z.strictObject({
  /** Why it was quarantined. */
  reason: z.string(),
});

/** The decision that a backup was set aside wrongly, by someone who knows what it is. */
export const backupRelease: Action<z.output<typeof params>, z.output<typeof before>> = {
  name: 'backup.release',
  description:
    'Moves a quarantined backup back among the others and forgets its checks. Setting it aside again then needs approval.',
  params,
  undoState: before,
  operation: operations['quarantine-backup'],
  deadlineMs: 600_000,
  describe: ({ ref }) => `put the quarantined backup ${ref} back among the others`,
  effect: async ({ ref }) => [
    { object: `backup ${ref}`, before: 'quarantined', after: 'among the others, not proven' },
  ],
  async prepare({ ref }, host) {
    const { state, quarantine } = await requireBackup(ref, host);
    if (state !== 'quarantined') throw new ProblemsError('step-refused', `Backup ${ref} is not quarantined.`);
    return { reason: quarantine?.reason ?? 'no reason recorded' };
  },
  async isDone({ ref }, host) {
    const backup = await host.backups.read(ref);
    return backup !== undefined && backup.state !== 'quarantined' && isPutBack(backup);
  },
  async apply({ ref }, host) {
    await host.change.backups.putBack(await requireBackup(ref, host));
  },
  /** Its checks stay forgotten: `problems backups verify` makes them again. */
  async undo({ ref }, { reason }, host) {
    const backup = await requireBackup(ref, host);
    if (backup.state !== 'quarantined') await host.change.backups.quarantine(backup, reason);
  },
  async isUndone({ ref }, _, host) {
    return (await host.backups.read(ref))?.state === 'quarantined';
  },
};
