import { chmod, lstat, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ProblemsError } from '../errors.ts';
import { getNumber, getString } from '../util/json.ts';
import { expired, expiredMark, inside, quarantined, segment } from './inventory.ts';
import { asideFolder, exists, isAside, renameDurably, requireFree } from './quarantine.ts';
import { readRecord, syncFolder, writeRecord } from './sidecar-files.ts';
import type { Backup } from './types.ts';

/**
 * An expired backup is in `.expired/<name>` of its instance. `.expired/.<name>.was` records where it was before; the file exists
 * from before the first change until after the last.
 */
interface Origin {
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
  // An interrupted move has already recorded the original mode.
  if ((await readOrigin(aside, backup.name))?.place !== place) {
    const origin: Origin = { schemaVersion: 1, place, mode: (await stat(from)).mode & 0o777 };
    await writeRecord(aside, expiredMark(backup.name), origin);
  }
  // Moving a folder needs write permission on it.
  await chmod(from, 0o700);
  await renameDurably(from, to);
}

export async function unexpireBackup(folders: readonly string[], instance: string, name: string): Promise<void> {
  const folder = await expiredFolder(folders, instance, name);
  if (folder === undefined) return;
  const aside = dirname(folder);
  const origin = await readOrigin(aside, name);
  const owner = dirname(aside);
  const to = origin?.place === 'quarantined' ? join(owner, quarantined, name) : join(owner, name);
  if (await exists(folder)) {
    await requireFree(to);
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await renameDurably(folder, to);
  }
  if (origin !== undefined && (await exists(to))) await chmod(await inside(folders, to), origin.mode);
  await removeOrigin(aside, name);
}

export async function removeExpired(folders: readonly string[], instance: string, name: string): Promise<void> {
  const folder = await expiredFolder(folders, instance, name);
  if (folder === undefined) return;
  await makeWritable(folder);
  await rm(folder, { recursive: true, force: true });
  await removeOrigin(dirname(folder), name);
}

async function readOrigin(aside: string, name: string): Promise<Origin | undefined> {
  const record = await readRecord(aside, expiredMark(name));
  if (record === undefined || getNumber(record, 'schemaVersion') !== 1) return undefined;
  const place = getString(record, 'place') === 'quarantined' ? 'quarantined' : 'lies';
  // The file may have been tampered with: the owner always gets access, and others never write access.
  return { schemaVersion: 1, place, mode: (getNumber(record, 'mode') & 0o775) | 0o500 };
}

async function removeOrigin(aside: string, name: string): Promise<void> {
  await rm(join(aside, expiredMark(name)), { force: true });
  await syncFolder(aside);
}

/** Only root can empty a read-only folder. */
async function makeWritable(folder: string): Promise<void> {
  const found = await lstat(folder).catch(() => undefined);
  if (found?.isDirectory() !== true) return;
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name));
}

/** Also of a backup whose move was interrupted; undefined if there is nothing of it. */
async function expiredFolder(folders: readonly string[], instance: string, name: string): Promise<string | undefined> {
  if (!segment.test(instance) || !segment.test(name))
    throw new ProblemsError('bad-usage', `Not the name of a backup: ${instance}/${name}`);
  for (const parent of folders) {
    const aside = join(parent, instance, expired);
    if ((await exists(join(aside, name))) || (await exists(join(aside, expiredMark(name)))))
      return join(await inside(folders, aside), name);
  }
  return undefined;
}
