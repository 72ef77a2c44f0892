import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, link, mkdir, open, readdir, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isAlive, ownIdentity } from '../host/process-identity.ts';
import { systemProgram } from '../host/system-program.ts';
import { readRegularFile } from '../read-file.ts';
import { getNumber, getString, parseJson } from '../util/json.ts';
import { errorText } from '../util/text.ts';
import { isCheckSumFile } from './check-sums.ts';
import { failed, impossible, type Observation } from './levels/files.ts';
import { mostUnpacked, type Packing, unpackedName } from './packing.ts';
import { contentOf, ownFiles } from './parts.ts';
import type { Backup } from './types.ts';

/** Absolute paths: an identity file of age, and a file with the passphrase for gpg. */
export interface BackupKeys {
  readonly age?: string;
  readonly gpg?: string;
}

/** `copy`: the same backup in plain text, which only this user can read. */
export type Opened =
  | { readonly type: 'copy'; readonly backup: Backup; remove(): Promise<void> }
  | { readonly type: 'closed'; readonly observations: readonly Observation[] };

type Cipher = 'age' | 'gpg';

/** The key comes on standard input, so it is no argument, no variable and no file of ours; the backup is descriptor 3. */
const programs: Readonly<Record<Cipher, readonly string[]>> = {
  age: ['--decrypt', '--identity', '-', '/dev/fd/3'],
  gpg: [
    '--batch',
    '--status-fd',
    '2',
    '--no-tty',
    '--quiet',
    '--pinentry-mode',
    'loopback',
    '--passphrase-fd',
    '0',
    '--decrypt',
    '/dev/fd/3',
  ],
};

const mostOfKey = 64 * 1024;

/**
 * Decrypts a backup beside itself, for as long as it is checked. What a killed process has left there is removed first.
 * @returns undefined: nothing of it is encrypted with something whose key is configured.
 */
export async function openEncrypted(
  backup: Backup,
  keys: BackupKeys,
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<Opened | undefined> {
  const parts = backup.parts.flatMap(({ path, packing, bytes }) => {
    const cipher = packing === undefined ? undefined : cipherOf(packing);
    return cipher === undefined ? [] : [{ path, cipher, bytes, key: keys[cipher] }];
  });
  if (!parts.some(({ key }) => key !== undefined)) return undefined;
  const { files } = await contentOf(backup.folder);
  if (files.some(({ path }) => path.includes('/')))
    return closed(impossible('not-supported', 'Not proven: an encrypted backup with folders in it is not decrypted.'));
  const parent = dirname(backup.folder);
  const prefix = `.${basename(backup.folder)}.open-`;
  await removeLeft(parent, prefix);
  const place = join(parent, `${prefix}${process.pid}-${Date.now()}`);
  const remove = (): Promise<void> => rm(place, { recursive: true, force: true });
  try {
    await mkdir(join(place, 'copy'), { recursive: true, mode: 0o700 });
    await writeFile(join(place, ownerFile), JSON.stringify(await ownIdentity()), { mode: 0o600 });
    const observations: Observation[] = [];
    const plainNames = new Set(files.map(({ path }) => path));
    for (const { path, cipher, bytes, key } of parts) {
      if (key === undefined) continue;
      const name = plainNames.has(unpackedName(path)) ? `decrypted-${path}` : unpackedName(path);
      const target = join(place, 'copy', name);
      const said = await decryptFile(cipher, key, {
        from: join(backup.folder, path),
        to: target,
        bytes,
        signal,
        timeoutMs,
      });
      if (said !== undefined)
        observations.push({ ...said, says: `${said.result === 'failed' ? '' : 'Not proven: '}${path}: ${said.says}` });
    }
    signal.throwIfAborted();
    if (observations.length > 0) {
      await remove();
      return closed(...observations);
    }
    const opened = parts.filter(({ key }) => key !== undefined).map(({ path }) => path);
    for (const { path } of files)
      if (
        !opened.includes(path) &&
        (path === 'fingerprints.json' || !(ownFiles.includes(path) || isCheckSumFile(path)))
      )
        await alsoAt(join(backup.folder, path), join(place, 'copy', path));
    const folder = join(place, 'copy');
    return { type: 'copy', backup: { ...backup, folder, parts: (await contentOf(folder)).parts }, remove };
  } catch (error) {
    await remove();
    signal.throwIfAborted();
    return closed(impossible('unreadable', `Not proven: it could not be decrypted: ${errorText(error)}`));
  }
}

function cipherOf(packing: Packing): Cipher | undefined {
  return packing === 'age' || packing === 'gpg' ? packing : undefined;
}

function closed(...observations: readonly Observation[]): Opened {
  return { type: 'closed', observations };
}

const ownerFile = 'owner.json';

/** Copies in plain text must not outlive the process that made them. */
async function removeLeft(parent: string, prefix: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue;
    const place = join(parent, name);
    const made = (await stat(place).catch(() => undefined))?.mtime.toISOString() ?? '';
    const owner = parseJson(await readFile(join(place, ownerFile), 'utf8').catch(() => ''));
    const identity = {
      pid: getNumber(owner, 'pid'),
      began: getString(owner, 'began'),
      machine: getString(owner, 'machine'),
    };
    if (!(await isAlive(identity, made, new Date()))) await rm(place, { recursive: true, force: true });
  }
}

async function alsoAt(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to));
}

interface DecryptRequest {
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** Undefined: the file is there in plain text. */
async function decryptFile(cipher: Cipher, keyFile: string, request: DecryptRequest): Promise<Observation | undefined> {
  const key = readKey(keyFile);
  if (typeof key !== 'string') return impossible('encrypted', key.fault);
  const program = systemProgram(cipher);
  if (program === undefined) return impossible('encrypted', `it is encrypted, and ${cipher} is not installed.`);
  const { from, to, bytes, signal, timeoutMs } = request;
  const [source, target] = [await open(from, 'r'), await open(to, 'wx', 0o600)];
  try {
    const { GNUPGHOME, HOME } = process.env;
    const child = spawn(program, programs[cipher], {
      env: { LC_ALL: 'C', ...(HOME && { HOME }), ...(cipher === 'gpg' && GNUPGHOME && { GNUPGHOME }) },
      stdio: ['pipe', 'pipe', 'pipe', source.fd],
      // Without a terminal, age cannot ask for the passphrase of an identity.
      detached: process.platform !== 'win32',
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      signal,
    });
    return await finish(child, key, { target, cipher, most: mostUnpacked(bytes), folder: dirname(to) });
  } finally {
    await Promise.all([source.close(), target.close()]);
  }
}

function readKey(path: string): string | { readonly fault: string } {
  try {
    const read = readRegularFile(path, { most: mostOfKey });
    if (read.type === 'refused' || !read.isWhole) return { fault: `${path} is not a regular file of at most 64 KiB.` };
    if (process.platform !== 'win32' && (read.stats.mode & 0o077) !== 0)
      return { fault: `${path} is not used: others than its owner may read or write it (chmod 600).` };
    return read.bytes.toString('utf8');
  } catch (error) {
    return { fault: `its key cannot be read: ${errorText(error)}` };
  }
}

interface Sink {
  readonly target: Awaited<ReturnType<typeof open>>;
  readonly cipher: Cipher;
  readonly most: number;
  readonly folder: string;
}

/** As gpg and age say that the key fits and the content does not. */
const damaged =
  /manipulated|block_filter|inflate problem|authenticate payload|unexpected EOF|invalid packet|premature|CRC error|decompressing failed/i;

async function finish(
  child: ChildProcess,
  key: string,
  { target, cipher, most, folder }: Sink,
): Promise<Observation | undefined> {
  const ended = once(child, 'close').catch((error: unknown) => [errorText(error)]);
  const { stdin, stdout, stderr } = child;
  let says = '';
  stderr?.on('data', (chunk: Buffer) => {
    says = (says + chunk.toString('latin1')).slice(-keptWords);
  });
  // A program that does not ask for the key has closed it.
  stdin?.on('error', () => undefined).end(key);
  let written = 0;
  let stopped: string | undefined;
  for await (const chunk of stdout ?? []) {
    if (!(chunk instanceof Buffer)) continue;
    if (written === 0 || written % checkEvery < chunk.length) stopped ??= await lackOfRoom(folder);
    written += chunk.length;
    if (written > most) stopped ??= 'it unpacks to more than a thousand times its size.';
    if (stopped !== undefined) break;
    await target.write(chunk);
  }
  if (stopped !== undefined) child.kill('SIGKILL');
  const [code] = await ended;
  if (stopped !== undefined) return impossible('no-room', stopped);
  // gpg ends with 2 if it does not know who has signed it.
  const isWhole = /DECRYPTION_OKAY/.test(says) && !/DECRYPTION_FAILED/.test(says);
  if (code === 0 || isWhole) return undefined;
  if (code === null) return impossible('time-out', 'decrypting it took too long.');
  const lines = says.split('\n').filter((line) => line !== '' && !line.startsWith('[GNUPG:]'));
  const words = withoutKey(lines.slice(-3).join(' '), key).slice(0, 300) || `${cipher} ended with ${String(code)}`;
  return damaged.test(says)
    ? failed('damaged', `it cannot be decrypted to its end: ${words}`)
    : impossible('encrypted', `it cannot be decrypted with the configured key: ${words}`);
}

/** A program that finds fault with a key may quote it. */
function withoutKey(words: string, key: string): string {
  const lines = key.split(/\s+/).filter((part) => part.length >= 4);
  return lines.reduce((text, part) => text.replaceAll(part, '***'), words);
}

const keptWords = 4_000;

const checkEvery = 64 * 2 ** 20;

/** Other programs may write to the same disk: a twentieth of it, at most 1 GiB, stays free. */
async function lackOfRoom(folder: string): Promise<string | undefined> {
  const { bavail, blocks, bsize } = await statfs(folder);
  const reserve = Math.min(2 ** 30, (blocks * bsize) / 20);
  return bavail * bsize < reserve + checkEvery ? 'the disk has not enough room for a decrypted copy.' : undefined;
}
