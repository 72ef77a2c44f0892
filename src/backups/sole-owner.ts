import type { Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const mostEntries = 200_000;

/**
 * The user who owns all files of a part of a backup and can reach and read them, as `uid:gid`: who reads a backup as this user needs no
 * capability. Undefined: there is none, since the files have several owners, or are in a folder that this user may not enter.
 * @throws the error of the file system.
 */
export async function soleOwner(folder: string, path: string): Promise<string | undefined> {
  const part = join(folder, path);
  const top = await lstat(part);
  for (let above = dirname(part); above.length >= folder.length; above = dirname(above))
    if (!mayEnter(await lstat(above), top)) return undefined;
  const below = top.isDirectory() ? await readdir(part, { recursive: true }) : [];
  if (below.length > mostEntries || !isOwn(top, top)) return undefined;
  for (const name of below) if (!isOwn(await lstat(join(part, name)), top)) return undefined;
  return `${top.uid}:${top.gid}`;
}

function isOwn(stats: Stats, { uid }: Stats): boolean {
  const needed = stats.isDirectory() ? 0o500 : 0o400;
  return stats.uid === uid && (stats.mode & needed) === needed;
}

/** As the system decides it for a user without capabilities: by the first of owner, group and others that applies. */
function mayEnter(stats: Stats, { uid, gid }: Stats): boolean {
  const bit = stats.uid === uid ? 0o100 : stats.gid === gid ? 0o010 : 0o001;
  return (stats.mode & bit) !== 0;
}
