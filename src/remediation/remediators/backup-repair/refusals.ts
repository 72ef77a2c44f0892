import type { Instance } from '../../../host/instance.ts';
import type { Refusal } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import type { BackupDetails } from './types.ts';

/**
 * See docs/engineering/corruption.md#bad-backup-or-damaged-database, and the first advice of the PostgreSQL wiki: copy the
 * files before you repair anything.
 */
export function refusalForDamage({ name, container, dataMount }: Instance, { bad, notes }: BackupDetails): Refusal {
  const place = dataMount === undefined ? 'its data directory' : dataMount.name || dataMount.source;
  return refusal(
    [
      `The database of ${name} itself is damaged, which is never repaired automatically.`,
      ...(bad.length === 0 ? [] : [`${bad.length} of its backups are bad too, and are kept in place.`]),
      ...notes,
    ].join(' '),
    [
      `1. Do not restart ${container.name} to see whether that helps, and do not run VACUUM FULL, REINDEX or pg_resetwal on it.`,
      '2. Keep every backup and all WAL. Nothing of this instance expires while it is suspended.',
      `3. Decide when you can stop it. Then stop it and copy all files of ${place} before you try anything else.`,
      `4. Find the newest backup from before the damage: problems backups ${name}; restore it into a new instance: problems backups restore <backup> --to <time> --into <new name>.`,
      '5. Find the cause: the disk, its controller, memory, fsync errors in the kernel log. Faulty storage will damage data again.',
      `6. When the data is sound, set remediation.settings.backup-repair.lookedAt.${name} to that time, then run: problems runs lift ${name} --yes`,
    ].join(' '),
  );
}

export function refusalForArchive({ name }: Instance, { notes }: BackupDetails): Refusal {
  return refusal(
    `WAL archiving of ${name} fails: ${notes.join(' ')}`,
    `Never delete anything from pg_wal: PostgreSQL keeps files there until they are archived, while the disk fills up. Check the log for errors of archive_command, and whether its target folder exists, has free space and belongs to the server's user; archiving then resumes by itself. A file with the same name but other content in the archive means that another server writes there.`,
  );
}
