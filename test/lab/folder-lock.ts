import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Made by one process at a time: a folder, with the owner's process id in it. */
export interface FolderLock {
  readonly path: string;
  release(): Promise<void>;
}

/**
 * Takes the lock at `path` if no running process holds it, else returns undefined. `mkdir` decides; the lock of a process that
 * is gone is taken over. For processes of one machine.
 */
async function tryFolderLock(path: string): Promise<FolderLock | undefined> {
  await mkdir(dirname(path), { recursive: true });
  for (let attempt = 0; attempt < 2; attempt += 1) {
    if (await makeFolder(path)) {
      await writeFile(join(path, 'pid'), String(process.pid));
      return { path, release: () => removeLock(path, process.pid) };
    }
    const owner = await ownerOf(path);
    if (owner !== undefined && processLives(owner)) return undefined;
    await removeLock(path, owner);
  }
  return undefined;
}

/**
 * Moved aside in one step and removed there: two processes that find the same dead owner do not remove each other's new
 * lock, and no process writes into a folder that is being emptied.
 */
async function removeLock(path: string, owner: number | undefined): Promise<void> {
  const aside = `${path}.gone-${process.pid}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return;
    throw error;
  }
  if ((await readOwner(aside)) === owner) await rm(aside, { recursive: true, force: true });
  // Another process was quicker and has taken the lock.
  else await rename(aside, path);
}

/** Runs `work` with the lock held, waiting for it as long as `waitMs`. */
export async function withFolderLock<T>(path: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  const until = Date.now() + waitMs;
  for (;;) {
    const lock = await tryFolderLock(path);
    if (lock !== undefined) {
      try {
        return await work();
      } finally {
        await lock.release();
      }
    }
    if (Date.now() > until) throw new Error(`another process has held ${path} for ${waitMs} ms`);
    await sleep(200);
  }
}

async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** A lock without a process id is being written: it is asked again, for half a second. */
async function ownerOf(path: string): Promise<number | undefined> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const owner = await readOwner(path);
    if (owner !== undefined) return owner;
    await sleep(50);
  }
  return undefined;
}

async function readOwner(path: string): Promise<number | undefined> {
  const pid = Number(await readFile(join(path, 'pid'), 'utf8').catch(() => ''));
  return pid > 0 ? pid : undefined;
}

function processLives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isCode(error, 'EPERM');
  }
}

/** True when `error` is a system error with this code. */
export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
