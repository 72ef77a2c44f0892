import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Backup } from '../../backups/types.ts';
import type { Action, ReadonlyHost } from '../contract.ts';

const params = z.strictObject({
  /** `<instance>/<name>`. */
  ref: z.string().regex(/^[^/\0]+\/[^/\0]+$/),
});
const before = z.strictObject({ there: z.boolean() });

/** The half of removing that can be taken back: what lies there is in no inventory, and nothing restores from it. */
export const backupExpire: Action<z.output<typeof params>, z.output<typeof before>> = {
  name: 'backup.expire',
  about: 'Moves a backup that is no longer needed to where the cleanup removes it.',
  params,
  before,
  operation: 'expire-backup',
  describe: ({ ref }) => `let the backup ${ref} expire`,
  effect: async ({ ref }) => [{ object: `backup ${ref}`, before: 'kept', after: 'expired' }],
  async prepare({ ref }, host) {
    const found = await allOf(ref, host);
    if (found.some(({ state }) => state === 'running'))
      throw new ProblemsError(
        'step-refused',
        `The backup ${ref} is being taken, or was given up: it is left as it is.`,
      );
    // A name says which of them only as long as there is one.
    if (found.length > 1)
      throw new ProblemsError(
        'step-refused',
        `There are ${found.length} backups ${ref}: ${found.map(({ folder }) => folder).join(', ')}. A person must say which.`,
      );
    if (found.length > 0 && (await isExpired(ref, host)))
      throw new ProblemsError('step-refused', `Another backup ${ref} has expired and is not removed yet.`);
    return { there: found.length > 0 };
  },
  isDone: isGone,
  async apply(wanted, host) {
    const { ref } = wanted;
    if (await isGone(wanted, host)) return;
    const backup = await host.backups.read(ref);
    if (backup === undefined) throw new ProblemsError('step-refused', `There is no backup ${ref}.`);
    await requireGoodOnes(ref, host);
    await host.change.backups.expire(backup);
  },
  async undo({ ref }, { there }, host) {
    const [instance = '', name = ''] = ref.split('/');
    if (there && (await isExpired(ref, host))) await host.change.backups.unexpire(instance, name);
  },
  async isUndone({ ref }, { there }, host) {
    return ((await host.backups.read(ref)) !== undefined) === there && !(await isExpired(ref, host));
  },
};

/** Not while it is among the backups: one that was cut off before it moved is in both lists. */
async function isGone({ ref }: z.output<typeof params>, host: ReadonlyHost): Promise<boolean> {
  return (await isExpired(ref, host)) && (await host.backups.read(ref)) === undefined;
}

async function allOf(ref: string, host: ReadonlyHost): Promise<readonly Backup[]> {
  const { backups } = await host.backups.list(ref.split('/')[0]);
  return backups.filter((one) => one.ref === ref);
}

async function isExpired(ref: string, host: ReadonlyHost): Promise<boolean> {
  const [instance = '', name = ''] = ref.split('/');
  return (await host.backups.expired(instance)).includes(name);
}

/** Whoever asks: the last two good ones stay. */
async function requireGoodOnes(ref: string, host: ReadonlyHost): Promise<void> {
  const { backups } = await host.backups.list(ref.split('/')[0]);
  const left = backups.filter((one) => one.ref !== ref && one.state === 'complete' && one.verdict === 'good');
  if (left.length < 2)
    throw new ProblemsError('step-refused', `Without ${ref} there would be ${left.length} good backups: it stays.`);
}
