import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import { type Backup, type BackupCheck, backupLevels } from '../../backups/types.ts';
import type { Action } from '../contract.ts';

const params = z.strictObject({
  /** `<instance>/<name>`. */
  ref: z.string().regex(/^[^/\0]+\/[^/\0]+$/),
  /** The level of docs/backups.md that it must reach. */
  level: z.enum(backupLevels).default('L4'),
  /** How far it is tried. What cannot be asked above `level` is no failure; damage that is found there is. */
  upTo: z.enum(backupLevels).default('L5'),
});
type Wanted = z.output<typeof params>;

/** A drill: only a backup that was restored once is known to restore (PGOPS §3.3). */
export const backupProve: Action<Wanted, null> = {
  name: 'backup.prove',
  about:
    'Restores a copy of a backup in an isolated throw-away container, compares it with what was noted when it was taken, and writes the answer beside the backup.',
  params,
  before: z.null(),
  operation: 'new-backup',
  deadlineMs: 24 * 3_600_000,
  describe: ({ ref, level }) => `restore a copy of the backup ${ref} and prove it at ${level}`,
  effect: async ({ ref, level }) => [{ object: `backup ${ref}`, before: 'unproven', after: `proven at ${level}` }],
  prepare: async () => null,
  async isDone({ ref, level }, host) {
    return reached(checksOf(await host.backups.read(ref)), level);
  },
  async apply({ ref, level, upTo }, host) {
    const backup = await host.backups.read(ref);
    if (backup === undefined) throw new ProblemsError('step-refused', `There is no backup ${ref}.`);
    const instance = await host.instance(backup.instance);
    if (instance === undefined)
      throw new ProblemsError('step-refused', `There is no instance ${backup.instance} to restore by the image of.`);
    const answer = await host.backups.check(backup, { upTo, instance });
    await host.change.backups.record(backup, answer);
    if (reached(answer.checks, level)) return;
    const seen = answer.checks.filter(({ result }) => result !== 'passed');
    throw new Error(
      `The backup ${ref} was not proven at ${level}: ${seen.map((one) => `${one.level} ${one.result}, ${one.says.join(' ')}`).join('; ')}`,
    );
  },
  /** What was found out of a backup stays true: there is nothing to put back. */
  undo: () => Promise.resolve(),
  isUndone: () => Promise.resolve(true),
};

function checksOf(backup: Backup | undefined): readonly BackupCheck[] {
  return backup?.verification?.checks ?? [];
}

/** Nothing failed, and this level or a higher one passed. */
function reached(checks: readonly BackupCheck[], wanted: Wanted['level']): boolean {
  return (
    checks.every(({ result }) => result !== 'failed') &&
    checks.some(({ level, result }) => result === 'passed' && level >= wanted)
  );
}
