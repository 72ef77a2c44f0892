import { chmod, lstat, mkdir, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ProblemsError } from '../errors.ts';
import { getNumber } from '../util/json.ts';
import { inside, quarantined, readBackup } from './inventory.ts';
import { readRecord, syncAround, syncFolder, writeRecord } from './sidecar-files.ts';
import { type Backup, type BackupAnswer, type BackupLevel, backupLevels, type BackupVerification } from './types.ts';

/** Backups are moved by one rename each, and over nothing. */

/** Whether the folder of a backup lies where those lie that were set aside. */
export function isAside(folder: string): boolean {
  return basename(dirname(folder)) === quarantined;
}

/** The folder of the instance, of a backup that lies there or was set aside. */
function ownerOf(folder: string): string {
  return isAside(folder) ? dirname(dirname(folder)) : dirname(folder);
}

/** The instance's folder of that name, made where there is none. */
export async function asideFolder(folders: readonly string[], backup: string, name: string): Promise<string> {
  const folder = join(ownerOf(backup), name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return inside(folders, folder);
}

export async function move(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncFolder(dirname(from));
  await syncAround(to);
}

export async function requireFree(path: string): Promise<void> {
  if (await exists(path)) throw new ProblemsError('step-refused', `There is ${path} already: nothing is overwritten.`);
}

export async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

/** Later answers replace those of the same level. */
export async function recordAnswer(folders: readonly string[], backup: Backup, answer: BackupAnswer): Promise<void> {
  const folder = await inside(folders, backup.folder);
  const before = (await readBackup(folder, backup.instance, backup.name, 'lies')).verification;
  const now = new Map([...(before?.checks ?? []), ...answer.checks].map((check) => [check.level, check]));
  const isNew = before === null || before.files.length === 0;
  const verification: BackupVerification = {
    schemaVersion: 1,
    checks: backupLevels.flatMap((level: BackupLevel) => now.get(level) ?? []),
    // What they were first is what later ones are held against.
    files: isNew ? answer.files : before.files,
    filesAt: isNew ? new Date().toISOString() : before.filesAt,
    filesBy: isNew ? 'first verification' : before.filesBy,
    ...(before?.tookMs === undefined ? {} : { tookMs: before.tookMs }),
  };
  await writeRecord(folder, 'verification.json', verification);
}

/** The reason lies in it before it moves; read-only at last, so that nobody mends it in passing. */
export async function quarantineBackup(folders: readonly string[], backup: Backup, reason: string): Promise<void> {
  const from = await inside(folders, backup.folder);
  if (isAside(from)) return chmod(from, 0o500);
  const to = join(await asideFolder(folders, from, quarantined), backup.name);
  await requireFree(to);
  const mode = (await stat(from)).mode & 0o777;
  await writeRecord(from, 'quarantine.json', { schemaVersion: 1, at: new Date().toISOString(), reason, mode });
  await move(from, to);
  await chmod(to, 0o500);
}

export async function releaseBackup(folders: readonly string[], backup: Backup): Promise<void> {
  const from = await inside(folders, backup.folder);
  if (!isAside(from)) return;
  const to = join(ownerOf(from), backup.name);
  await requireFree(to);
  const mode = getNumber(await readRecord(from, 'quarantine.json'), 'mode');
  await chmod(from, 0o700);
  await move(from, to);
  await unlink(join(to, 'quarantine.json')).catch(() => undefined);
  await syncFolder(to);
  // Whoever can write there may have written anything: its owner keeps it, and strangers never write.
  await chmod(to, (mode & 0o775) | 0o700);
}
