import { chmod, lstat, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ProblemsError } from '../errors.ts';
import { getNumber, getString } from '../util/json.ts';
import { expired, expiredMark, inside, quarantined, segment } from './inventory.ts';
import { asideFolder, exists, isAside, move, requireFree } from './quarantine.ts';
import { readRecord, syncFolder, writeRecord } from './sidecar-files.ts';
import type { Backup } from './types.ts';

/**
 * What has expired lies in `.expired/<name>` of its instance, wherever it lay before; `.expired/.<name>.was` says where
 * that was, from before the first change until after the last.
 */
interface Was {
  readonly schemaVersion: 1;
  readonly place: 'lies' | 'quarantined';
  readonly mode: number;
}

export async function expireBackup(folders: readonly string[], backup: Backup): Promise<void> {
  const from = await inside(folders, backup.folder);
  const aside = await asideFolder(folders, from, expired);
  const to = join(aside, backup.name);
  await requireFree(to);
  const place = isAside(from) ? 'quarantined' : 'lies';
  // One that was cut off before it moved has noted the mode that it had.
  if ((await wasOf(aside, backup.name))?.place !== place) {
    const was: Was = { schemaVersion: 1, place, mode: (await stat(from)).mode & 0o777 };
    await writeRecord(aside, expiredMark(backup.name), was);
  }
  // Only who may write into a folder may move it into another one.
  await chmod(from, 0o700);
  await move(from, to);
}

export async function unexpireBackup(folders: readonly string[], instance: string, name: string): Promise<void> {
  const folder = await expiredFolder(folders, instance, name);
  if (folder === undefined) return;
  const aside = dirname(folder);
  const was = await wasOf(aside, name);
  const owner = dirname(aside);
  const to = was?.place === 'quarantined' ? join(owner, quarantined, name) : join(owner, name);
  if (await exists(folder)) {
    await requireFree(to);
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await move(folder, to);
  }
  if (was !== undefined && (await exists(to))) await chmod(await inside(folders, to), was.mode);
  await forget(aside, name);
}

export async function removeExpired(folders: readonly string[], instance: string, name: string): Promise<void> {
  const folder = await expiredFolder(folders, instance, name);
  if (folder === undefined) return;
  await openFolders(folder);
  await rm(folder, { recursive: true, force: true });
  await forget(dirname(folder), name);
}

async function wasOf(aside: string, name: string): Promise<Was | undefined> {
  const record = await readRecord(aside, expiredMark(name));
  if (record === undefined || getNumber(record, 'schemaVersion') !== 1) return undefined;
  const place = getString(record, 'place') === 'quarantined' ? 'quarantined' : 'lies';
  // Whoever can write there may have written anything: its owner gets in, and strangers never write.
  return { schemaVersion: 1, place, mode: (getNumber(record, 'mode') & 0o775) | 0o500 };
}

async function forget(aside: string, name: string): Promise<void> {
  await rm(join(aside, expiredMark(name)), { force: true });
  await syncFolder(aside);
}

/** A folder that is read-only can be emptied by root alone. */
async function openFolders(folder: string): Promise<void> {
  const found = await lstat(folder).catch(() => undefined);
  if (found?.isDirectory() !== true) return;
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isDirectory()) await openFolders(join(folder, entry.name));
}

/** Also of one that was cut off before it moved: undefined where nothing of it is there. */
async function expiredFolder(folders: readonly string[], instance: string, name: string): Promise<string | undefined> {
  if (!segment.test(instance) || !segment.test(name))
    throw new ProblemsError('bad-usage', `${instance}/${name} is no name of a backup.`);
  for (const parent of folders) {
    const aside = join(parent, instance, expired);
    if ((await exists(join(aside, name))) || (await exists(join(aside, expiredMark(name)))))
      return join(await inside(folders, aside), name);
  }
  return undefined;
}
