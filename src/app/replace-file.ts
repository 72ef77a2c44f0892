import { linkSync, renameSync, rmSync, statSync } from 'node:fs';
import { chown, open, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { errorCode } from '../util/text.ts';

/** Milliseconds between two tries to take a lock. */
const pause = 5;

/** Milliseconds after which a lock counts as left behind by a program that was killed. An edit takes a few. */
const abandoned = 10_000;

/**
 * Replaces a file with a new text, atomically, unless `isChanged` says that it is no longer the one that was read. The new
 * text is written into a lock file next to it, which is renamed, as git does with its index: no other program of ours writes
 * between the check and the rename. Mode and owner are kept. Returns false if the file was changed.
 * @param file A real path.
 * @throws the error of the file system.
 */
export async function replaceFile(file: string, text: string, isChanged: () => boolean): Promise<boolean> {
  const lock = join(dirname(file), `.${basename(file)}.lock`);
  const { mode, uid, gid } = await stat(file);
  const handle = await taken(lock);
  try {
    try {
      await handle.chmod(mode & 0o7777);
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    // Only root can give a file away.
    if (process.geteuid?.() === 0) await chown(lock, uid, gid);
    if (isChanged()) {
      rmSync(lock);
      return false;
    }
    renameSync(lock, file);
    return true;
  } catch (error) {
    await rm(lock, { force: true });
    throw error;
  }
}

/**
 * Creates a file with a text, all of it or nothing, under the lock of `replaceFile`. Returns false if the file exists: nothing is
 * overwritten.
 * @throws the error of the file system.
 */
export async function createWhole(file: string, text: string): Promise<boolean> {
  const lock = join(dirname(file), `.${basename(file)}.lock`);
  const handle = await taken(lock);
  try {
    try {
      await handle.chmod(0o666 & ~process.umask());
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    linkSync(lock, file);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(lock, { force: true });
  }
}

async function taken(lock: string) {
  for (const since = Date.now(); ;) {
    try {
      return await open(lock, 'wx', 0o600);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
      const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      // Clocks of other machines may be ahead.
      if (Math.max(age, Date.now() - since) > abandoned) rmSync(lock, { force: true });
      await setTimeout(pause);
    }
  }
}
