import type { Instance } from '../../../host/instance.ts';
import type { Refusal } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import type { BackupDetails } from './types.ts';

/**
 * See docs/engineering/corruption.md#bad-backup-or-damaged-database, and what the PostgreSQL wiki says first: a copy of
 * the files before anybody repairs anything.
 */
export function refusalForDamage({ name, container, dataMount }: Instance, { bad, notes }: BackupDetails): Refusal {
  const place = dataMount === undefined ? 'its data directory' : dataMount.name || dataMount.source;
  return refusal(
    [
      `The database of ${name} itself is damaged: no program repairs it.`,
      ...(bad.length === 0 ? [] : [`${bad.length} of its backups do not hold either, and are left where they are.`]),
      ...notes,
    ].join(' '),
    [
      `1. Do not restart ${container.name} to see whether that helps, and run no VACUUM FULL, REINDEX or pg_resetwal on it.`,
      '2. Keep every backup and all WAL: nothing of this instance expires while it is suspended.',
      `3. Decide when it can be stopped; then stop it and copy ${place} whole, as files, before anything else is tried on it.`,
      `4. Find the newest backup from before the damage: problems backups ${name}; restore it beside, never over: problems backups restore <backup> --to <time> --into <new name>.`,
      '5. Look for the cause: the disk, its controller, memory, fsync errors in the log of the machine. Storage that lies will do so again.',
      `6. Once the data is sound: name the time in remediation.settings.backup-repair.lookedAt.${name}, and problems runs lift ${name} --yes.`,
    ].join(' '),
  );
}

export function refusalForArchive({ name }: Instance, { notes }: BackupDetails): Refusal {
  return refusal(
    `WAL of ${name} does not get to its archive: ${notes.join(' ')}`,
    `Never delete anything from pg_wal: what waits there is kept until it is archived, and the disk fills meanwhile. See what the log says of archive_command, whether the folder that it writes to is there, has room and belongs to the server's user; archiving goes on by itself. A file of the same name with other content in the archive means that another server writes there.`,
  );
}
