import { hash, randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { open, readdir, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { ProblemsError } from '../../errors.ts';
import { readRegularFile } from '../../read-file.ts';
import { compareText } from '../../util/compare.ts';
import type { FileChanger, FileReader, TextFile } from '../types.ts';

const maxBytes = 2 ** 20;

/** Files under the roots. A path that leaves them, by `..` or by a symbolic link, is an error. */
export function readFiles(roots: readonly string[]): FileReader {
  return {
    roots,
    async read(path) {
      const real = await within(roots, path);
      return real === undefined ? undefined : readText(real, path);
    },
    async list(path) {
      const real = await within(roots, path);
      if (real === undefined || !(await stat(real)).isDirectory()) return [];
      return (await readdir(real)).sort(compareText);
    },
  };
}

export function changeFiles(roots: readonly string[], reader: FileReader): FileChanger {
  async function expect(path: string, sha256: string | undefined): Promise<TextFile | undefined> {
    const file = await reader.read(path);
    if (file?.sha256 !== sha256) {
      throw new ProblemsError('step-refused', `${path} has changed since the step was planned. It was not modified.`);
    }
    return file;
  }

  return {
    async replace(path, text, expected) {
      const old = await expect(path, expected.sha256);
      const real = (await within(roots, path)) ?? join(await folderWithin(roots, path), basename(path));
      const { like } = expected;
      const model = old !== undefined ? real : like === undefined ? undefined : await within(roots, like);
      const stats = model === undefined ? undefined : await stat(model);
      const temporary = join(dirname(real), `.${basename(real)}.${randomBytes(6).toString('hex')}`);
      await writeDurably(temporary, text, (stats?.mode ?? 0o600) & 0o777, stats);
      await rename(temporary, real);
      await syncFolder(dirname(real));
    },
    async remove(path, expected) {
      await expect(path, expected.sha256);
      const real = await within(roots, path);
      if (real === undefined) return;
      await unlink(real);
      await syncFolder(dirname(real));
    },
  };
}

/** The real path; `undefined` if nothing is there. */
async function within(roots: readonly string[], path: string): Promise<string | undefined> {
  if (!isAbsolute(path) || path.includes('\0')) throw outside(path);
  if (!(await isInside(roots, resolve(path)))) throw outside(path);
  const real = await realpath(path).catch(() => undefined);
  if (real !== undefined && !(await isInside(roots, real))) throw outside(path);
  return real;
}

async function folderWithin(roots: readonly string[], path: string): Promise<string> {
  const folder = await within(roots, dirname(path));
  if (folder === undefined) throw new ProblemsError('file-unreadable', `No such folder: ${dirname(path)}.`);
  return folder;
}

async function isInside(roots: readonly string[], path: string): Promise<boolean> {
  for (const root of roots) {
    for (const form of [resolve(root), await realpath(root).catch(() => resolve(root))]) {
      const below = relative(form, path);
      if (below === '' || (below !== '..' && !below.startsWith(`..${sep}`) && !isAbsolute(below))) return true;
    }
  }
  return false;
}

function outside(path: string): ProblemsError {
  return new ProblemsError('outside-root', `${path} is outside the folders that may be read.`, {
    hint: 'If it belongs to the project, add its folder to `roots` in the configuration.',
  });
}

function readText(real: string, path: string): TextFile | undefined {
  const read = readRegularFile(real, { most: maxBytes, followLink: false });
  if (read.type === 'refused') return undefined;
  if (!read.isWhole) throw new ProblemsError('file-unreadable', `${path} is larger than ${maxBytes} bytes.`);
  const text = read.bytes.toString('utf8');
  const foreign = ownerFault(read.stats);
  return {
    path,
    text,
    sha256: hash('sha256', text),
    mode: read.stats.mode & 0o777,
    ...(foreign === undefined ? {} : { foreign }),
  };
}

/** Like git, accepts the files of root and of the user who called sudo. */
function ownerFault({ uid, mode }: Stats): string | undefined {
  const user = process.geteuid?.();
  if (user === undefined) return undefined;
  const caller = user === 0 ? Number(process.env['SUDO_UID'] ?? 0) : user;
  if (uid !== user && uid !== 0 && uid !== caller) return `belongs to another user (uid ${uid})`;
  return (mode & 0o002) === 0 ? undefined : 'can be written by everybody';
}

async function writeDurably(path: string, text: string, mode: number, owner: Stats | undefined): Promise<void> {
  const handle = await open(path, 'wx', mode);
  try {
    await handle.writeFile(text);
    await handle.chmod(mode);
    if (owner !== undefined && process.getuid?.() === 0) await handle.chown(owner.uid, owner.gid);
    await handle.sync();
  } catch (error) {
    await unlink(path).catch(() => undefined);
    throw error;
  } finally {
    await handle.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
