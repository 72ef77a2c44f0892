import { chmod, lstat, mkdir, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ProblemsError } from '../errors.ts';
import { getNumber } from '../util/json.ts';
import { inside, putBackFile, quarantined, readBackup } from './inventory.ts';
import { readRecord, syncWithParent, syncFolder, writeRecord, writeVerification } from './sidecar-files.ts';
import { type Backup, type BackupAnswer, type BackupLevel, backupLevels, type BackupVerification } from './types.ts';

/** Whether a backup's folder is among the quarantined or expired ones. */
export function isAside(folder: string): boolean {
  return basename(dirname(folder)) === quarantined;
}

/** The folder of the instance of a backup, which may be quarantined or expired. */
function ownerOf(folder: string): string {
  return isAside(folder) ? dirname(dirname(folder)) : dirname(folder);
}

/** Creates the instance's folder of that name if necessary. */
export async function asideFolder(folders: readonly string[], backup: string, name: string): Promise<string> {
  const folder = join(ownerOf(backup), name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return inside(folders, folder);
}

export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncFolder(dirname(from));
  await syncWithParent(to);
}

export async function requireFree(path: string): Promise<void> {
  if (await exists(path)) throw new ProblemsError('step-refused', `${path} already exists and is not overwritten.`);
}

export async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

/** New results replace those of the same level. */
export async function recordVerification(
  folders: readonly string[],
  backup: Backup,
  answer: BackupAnswer,
): Promise<void> {
  const folder = await inside(folders, backup.folder);
  const before = (await readBackup(folder, backup.instance, backup.name, 'lies')).verification;
  const now = new Map([...(before?.checks ?? []), ...answer.checks].map((check) => [check.level, check]));
  const isNew = before === null || before.files.length === 0;
  const verification: BackupVerification = {
    schemaVersion: 1,
    checks: backupLevels.flatMap((level: BackupLevel) => now.get(level) ?? []),
    // The first state of the files is what later ones are compared with.
    files: isNew ? answer.files : before.files,
    filesAt: isNew ? new Date().toISOString() : before.filesAt,
    filesBy: isNew ? 'first verification' : before.filesBy,
    ...(before?.tookMs === undefined ? {} : { tookMs: before.tookMs }),
  };
  await writeVerification(folder, backup.ref, verification);
}

/** Records the reason before the move. Read-only afterwards, so that nothing changes it by accident. */
export async function quarantineBackup(folders: readonly string[], backup: Backup, reason: string): Promise<void> {
  const from = await inside(folders, backup.folder);
  if (isAside(from)) return chmod(from, 0o500);
  const to = join(await asideFolder(folders, from, quarantined), backup.name);
  await requireFree(to);
  const mode = (await stat(from)).mode & 0o777;
  await writeRecord(from, 'quarantine.json', { schemaVersion: 1, at: new Date().toISOString(), reason, mode });
  await renameDurably(from, to);
  await chmod(to, 0o500);
}

/**
 * Moves it back as well if it is quarantined, and forgets what its checks found. A file next to it says that someone has decided
 * this.
 */
export async function putBackBackup(folders: readonly string[], backup: Backup): Promise<void> {
  await releaseBackup(folders, backup);
  const folder = join(ownerOf(backup.folder), backup.name);
  await writeRecord(await inside(folders, folder), putBackFile, { schemaVersion: 1, at: new Date().toISOString() });
  await unlink(join(folder, 'verification.json')).catch(() => undefined);
  await syncFolder(folder);
}

export async function releaseBackup(folders: readonly string[], backup: Backup): Promise<void> {
  const from = await inside(folders, backup.folder);
  if (!isAside(from)) return;
  const to = join(ownerOf(from), backup.name);
  await requireFree(to);
  const mode = getNumber(await readRecord(from, 'quarantine.json'), 'mode');
  await chmod(from, 0o700);
  await renameDurably(from, to);
  await unlink(join(to, 'quarantine.json')).catch(() => undefined);
  await syncFolder(to);
  // The file may have been tampered with: the owner always gets access, and others never write access.
  await chmod(to, (mode & 0o775) | 0o700);
}
