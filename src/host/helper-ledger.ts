import { randomBytes } from 'node:crypto';
import { unlinkSync } from 'node:fs';
import { mkdir, readdir, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readRegularFile } from '../read-file.ts';
import { ownIdentity, type ProcessIdentity } from './process-identity.ts';
import { userStateFolder } from './user-key.ts';

/**
 * Which processes of this user have started helpers: one file each in the user's state folder, named by a random number
 * that the labels of the helpers repeat. Anyone who can start containers can choose labels; only this user writes here.
 */

const nameBytes = 16;
const namePattern = /^[0-9a-f]{32}$/;
/** An entry holds a process number, a start time, a host name and two ids. */
const mostBytes = 1_024;
/** After so long, no helper of a killed process is left. */
const keptMs = 30 * 86_400_000;

function folder(): string {
  return join(userStateFolder(), 'helpers');
}

let own: Promise<string | undefined> | undefined;
let open = 0;

/**
 * Notes that this process has one helper more. Returns its name in the ledger; undefined if the state folder cannot be
 * written: then no other process removes what this one leaves behind.
 */
export async function noteHelper(): Promise<string | undefined> {
  open += 1;
  own ??= register();
  return own;
}

/** Notes that a helper of this process is gone. */
export function noteRemoval(): void {
  open = Math.max(0, open - 1);
}

async function register(): Promise<string | undefined> {
  const name = randomBytes(nameBytes).toString('hex');
  const { pid, began, machine } = await ownIdentity();
  const path = join(folder(), name);
  try {
    await mkdir(folder(), { recursive: true, mode: 0o700 });
    await writeFile(path, `${pid} ${began || '-'} ${machine}\n`, { flag: 'wx', mode: 0o600 });
  } catch {
    return undefined;
  }
  process.once('exit', () => {
    if (open === 0) forget(path);
  });
  return name;
}

function forget(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Another process has removed it.
  }
}

/** The process of this user with this name; undefined for any name that this user's state folder does not know. */
export function knownProcess(name: string): ProcessIdentity | undefined {
  if (!namePattern.test(name)) return undefined;
  try {
    const read = readRegularFile(join(folder(), name), { most: mostBytes, followLink: false });
    if (read.type !== 'read' || read.stats.uid !== process.getuid?.() || (read.stats.mode & 0o022) !== 0)
      return undefined;
    const [, pid, began = '', machine = ''] = /^(\d{1,10}) (\S+) (.+)\n$/.exec(read.bytes.toString('utf8')) ?? [];
    return pid === undefined ? undefined : { pid: Number(pid), began: began === '-' ? '' : began, machine };
  } catch {
    return undefined;
  }
}

/** Removes entries that are too old to matter. */
export async function pruneLedger(now: Date): Promise<void> {
  const names = await readdir(folder()).catch(() => []);
  for (const name of names.filter((one) => namePattern.test(one))) {
    const path = join(folder(), name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && now.getTime() - found.mtimeMs > keptMs) await unlink(path).catch(() => undefined);
  }
}
