import { z } from 'zod';
import type { Action } from '../contract.ts';

const params = z.strictObject({
  /** `<instance>/<name>` of one that has expired. */
  ref: z.string().regex(/^[^/\0]+\/[^/\0]+$/),
});

/** Has no undo, so it can only stand in a cleanup. */
export const backupRemove: Action<z.output<typeof params>, null> = {
  name: 'backup.remove',
  about:
    'Deletes a backup that has expired. The only action that deletes anything; the last two good backups never expire.',
  params,
  before: z.null(),
  operation: 'expire-backup',
  deadlineMs: 600_000,
  describe: ({ ref }) => `delete the expired backup ${ref}`,
  effect: async ({ ref }) => [{ object: `backup ${ref}`, before: 'expired', after: 'gone' }],
  prepare: async () => null,
  async isDone({ ref }, host) {
    const [instance = '', name = ''] = ref.split('/');
    return !(await host.backups.expired(instance)).includes(name);
  },
  async apply({ ref }, host) {
    const [instance = '', name = ''] = ref.split('/');
    await host.change.backups.removeExpired(instance, name);
  },
};
