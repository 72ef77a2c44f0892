import { lstat, mkdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ProblemsError } from '../../errors.ts';
import { inside, quarantined } from '../../backups/inventory.ts';
import { syncAround, syncFolder } from '../../backups/sidecar-files.ts';

/** Backups are moved by one rename each, and over nothing. */

/** Whether the folder of a backup lies where those lie that were set aside. */
export function isAside(folder: string): boolean {
  return basename(dirname(folder)) === quarantined;
}

/** The folder of the instance, of a backup that lies there or was set aside. */
export function ownerOf(folder: string): string {
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
