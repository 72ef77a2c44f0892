import { ProblemsError } from '../errors.ts';
import type { Backup, BackupAnswer, BackupInventory, BackupLevel } from '../backups/types.ts';
import { bindCall, type Remediation, type RemediationCall } from './open-remediation.ts';
import { archivePlaceOf } from '../remediation/remediators/backup-repair/index.ts';
import { requestSettings, type Retained, retention } from '../remediation/remediators/backup-request/index.ts';

export type { Retained } from '../remediation/remediators/backup-request/index.ts';

/** What lies in the backup folders: of one instance, or all. Nothing is read but beginnings and what is noted beside them. */
export function listBackups({ session: { reader } }: Remediation, instance?: string): Promise<BackupInventory> {
  return reader.backups.list(instance);
}

export interface VerifyRequest extends RemediationCall {
  /** `<instance>/<name>`, or the path of the folder. */
  readonly backup: string;
  /** How far to climb. */
  readonly upTo: BackupLevel;
  readonly onProgress?: (what: string) => void;
}

/**
 * Climbs the ladder and writes the answer beside the backup. Nothing of the backup itself is changed.
 * @throws ProblemsError `not-found`: there is no such backup, or no instance whose image could restore it.
 */
export async function verifyBackup(
  opened: Remediation,
  { backup: ref, upTo, onProgress, ...call }: VerifyRequest,
): Promise<{ readonly backup: Backup; readonly answer: BackupAnswer }> {
  const { reader, host } = bindCall(opened, call).session;
  const backup = await reader.backups.read(ref);
  if (backup === undefined)
    throw new ProblemsError('not-found', `There is no backup ${ref}.`, { hint: '`problems backups` lists them.' });
  const instance = await reader.instance(backup.instance);
  if (instance === undefined)
    throw new ProblemsError(
      'not-found',
      `There is no instance ${backup.instance}: its image is what restores a copy.`,
      {
        hint: '`docker ps -a` shows the containers; docs/remediation.md says which are instances.',
      },
    );
  const archive = archivePlaceOf(instance.container);
  const answer = await reader.backups.check(backup, {
    instance,
    upTo,
    withSource: true,
    ...(archive === undefined ? {} : { archive }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  // One that is set aside or still being taken is left as it is.
  if (backup.state === 'complete' || backup.state === 'failed') await host.changer.backups.record(backup, answer);
  return { backup: (await reader.backups.read(ref)) ?? backup, answer };
}

/** What retention keeps and what may go, of one instance or all. Nothing goes of an instance that is suspended. */
export async function retainedBackups({ session }: Remediation, instance?: string): Promise<readonly Retained[]> {
  const { reader, store } = session;
  const { backups } = await reader.backups.list(instance);
  const settings = requestSettings(reader);
  const retained: Retained[] = [];
  for (const name of new Set(backups.map((backup) => backup.instance))) {
    const suspended = await store.suspensions.get(name);
    const own = backups.filter((backup) => backup.instance === name);
    retained.push(...retention(own, settings, suspended?.reason, session.now()));
  }
  return retained;
}
