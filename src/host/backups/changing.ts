import { chmod, lstat, mkdir, rename, rm, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ProblemsError } from '../../errors.ts';
import { expired, inside, quarantined, readBackup, segment } from './inventory.ts';
import { syncAround, syncFolder, writeRecord } from './records.ts';
import { type Backup, type BackupAnswer, type BackupLevel, backupLevels, type BackupVerification } from './types.ts';

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
  const aside = join(dirname(from), quarantined);
  await mkdir(aside, { recursive: true, mode: 0o700 });
  const to = join(aside, backup.name);
  await requireFree(to);
  await writeRecord(from, 'quarantine.json', { schemaVersion: 1, at: new Date().toISOString(), reason });
  await move(from, to);
  await chmod(to, 0o500);
}

export async function releaseBackup(folders: readonly string[], backup: Backup): Promise<void> {
  const from = await inside(folders, backup.folder);
  if (!isAside(from)) return;
  const to = join(dirname(dirname(from)), backup.name);
  await requireFree(to);
  await chmod(from, 0o700);
  await move(from, to);
  await unlink(join(to, 'quarantine.json')).catch(() => undefined);
  await syncFolder(to);
}

export async function expireBackup(folders: readonly string[], backup: Backup): Promise<void> {
  const from = await inside(folders, backup.folder);
  const aside = join(dirname(from), expired);
  await mkdir(aside, { recursive: true, mode: 0o700 });
  const to = join(aside, backup.name);
  await requireFree(to);
  await move(from, to);
}

export async function unexpireBackup(folders: readonly string[], instance: string, name: string): Promise<void> {
  const from = await expiredFolder(folders, instance, name);
  if (from === undefined) return;
  const to = join(dirname(dirname(from)), name);
  await requireFree(to);
  await move(from, to);
}

export async function removeExpired(folders: readonly string[], instance: string, name: string): Promise<void> {
  const folder = await expiredFolder(folders, instance, name);
  if (folder === undefined) return;
  await rm(folder, { recursive: true, force: true });
  await syncFolder(dirname(folder));
}

function isAside(folder: string): boolean {
  return basename(dirname(folder)) === quarantined;
}

async function expiredFolder(folders: readonly string[], instance: string, name: string): Promise<string | undefined> {
  if (!segment.test(instance) || !segment.test(name))
    throw new ProblemsError('bad-usage', `${instance}/${name} is no name of a backup.`);
  for (const parent of folders) {
    const folder = join(parent, instance, expired, name);
    if (await exists(folder)) return inside(folders, folder);
  }
  return undefined;
}

async function move(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncFolder(dirname(from));
  await syncAround(to);
}

async function requireFree(path: string): Promise<void> {
  if (await exists(path)) throw new ProblemsError('step-refused', `There is ${path} already: nothing is overwritten.`);
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}
