import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import { link, mkdir, open, unlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { ProblemsError } from '../errors.ts';
import { fileErrorText, readRegularFile } from '../read-file.ts';
import { errorCode } from '../util/text.ts';

/**
 * A secret of the user who runs `problems`, in their own state folder: what is signed with it was written by this user, and
 * not by someone who can write to a backup folder or a project.
 */

const keyBytes = 32;

/** `$XDG_STATE_HOME/problems`, or `~/.local/state/problems`. A relative XDG_STATE_HOME is ignored, as its specification says. */
export function userStateFolder(): string {
  const stated = process.env['XDG_STATE_HOME'] ?? '';
  return join(isAbsolute(stated) ? stated : join(homedir(), '.local', 'state'), 'problems');
}

/**
 * Signs a text with the user's key, which is created at the first use. `purpose` keeps a signature of one sort of text from
 * being used for another.
 * @throws ProblemsError `file-unwritable`, or as {@link isSigned}.
 */
export async function sign(purpose: string, text: string): Promise<string> {
  const key = readKey() ?? (await createKey());
  return signatureOf(key, purpose, text);
}

/**
 * Whether {@link sign} of this user made the signature. False if there is no key yet.
 * @throws ProblemsError `file-unreadable`: others could have read or written the key.
 */
export async function isSigned(purpose: string, text: string, signature: string): Promise<boolean> {
  const key = readKey();
  return key !== undefined && isSignedWith(key, purpose, text, signature);
}

/** {@link sign} and {@link isSigned} without waiting, for work between two statements of a transaction. */
export interface Signer {
  sign(purpose: string, text: string): string;
  isSigned(purpose: string, text: string, signature: string): boolean;
}

/**
 * Reads the user's key, or creates it.
 * @throws ProblemsError as {@link sign}.
 */
export async function openSigner(): Promise<Signer> {
  // Reading the bytes of a key takes longer than signing with it.
  const key = createSecretKey(readKey() ?? (await createKey()));
  return {
    sign: (purpose, text) => signatureOf(key, purpose, text),
    isSigned: (purpose, text, signature) => isSignedWith(key, purpose, text, signature),
  };
}

function isSignedWith(key: Buffer | KeyObject, purpose: string, text: string, signature: string): boolean {
  const [wanted, given] = [Buffer.from(signatureOf(key, purpose, text)), Buffer.from(signature)];
  return wanted.length === given.length && timingSafeEqual(wanted, given);
}

function signatureOf(key: Buffer | KeyObject, purpose: string, text: string): string {
  const hmac = createHmac('sha256', key).update(`${purpose.length} ${purpose} `).update(text);
  return `hmac-sha256:${hmac.digest('hex')}`;
}

function keyPath(): string {
  return join(userStateFolder(), 'key');
}

function readKey(): Buffer | undefined {
  const path = keyPath();
  try {
    const read = readRegularFile(path, { most: keyBytes + 1, followLink: false });
    if (read.type === 'refused') throw unusable(path, 'is not a regular file');
    if (read.stats.uid !== process.getuid?.()) throw unusable(path, 'belongs to another user');
    if ((read.stats.mode & 0o077) !== 0) throw unusable(path, 'can be read or written by others');
    if (read.bytes.length === keyBytes) return read.bytes;
    throw unusable(path, `has ${read.bytes.length} bytes instead of ${keyBytes}`);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error instanceof ProblemsError ? error : unusable(path, `cannot be read: ${fileErrorText(error)}.`);
  }
}

function unusable(path: string, why: string): ProblemsError {
  return new ProblemsError('file-unreadable', `The key ${path} ${why}.`, {
    hint: 'Remove it: a new one is made. Then backups are proven again with `problems backups verify`, and runs that are open or can be rolled back are signed again with `problems runs sign`. XDG_STATE_HOME names another folder.',
  });
}

/** Complete from the moment it has its name. Of several processes that create it at once, the first one wins. */
async function createKey(): Promise<Buffer> {
  const path = keyPath();
  const temporary = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`;
  try {
    await mkdir(userStateFolder(), { recursive: true, mode: 0o700 });
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(randomBytes(keyBytes));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(temporary, path).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error;
    });
    await unlink(temporary);
  } catch (error) {
    throw new ProblemsError('file-unwritable', `The key ${path} cannot be created: ${fileErrorText(error)}.`, {
      hint: 'It signs the proofs of backups and the journal of repairs. Set XDG_STATE_HOME to a folder that you can write to.',
    });
  }
  const key = readKey();
  if (key === undefined) throw unusable(path, 'was removed as soon as it was made');
  return key;
}
