import { chmodSync, closeSync, existsSync, lstatSync, mkdirSync, openSync, type Stats, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ProblemsError } from '../../../errors.ts';
import { errorCode } from '../../../util/text.ts';

/** Modes of the state file: what undo needs may contain passwords, and `resume` does what the file says. */
const ownerOnly = { file: 0o600, folder: 0o700 } as const;

/**
 * Makes sure that only this user has written the state file, and that only this user can. Creates it if it is missing.
 * Readable by others: the permissions are tightened, also of the folder `.problems` and of SQLite's companion files.
 * @throws ProblemsError `state-untrusted`: it or its folder is a link, or another user owns it or may write it.
 */
export function secureStateFile(path: string): void {
  const folder = dirname(path);
  const isNew = !existsSync(folder);
  if (isNew) mkdirSync(folder, { recursive: true, mode: ownerOnly.folder });
  secureFolder(folder);
  hideFromGit(path, isNew);
  for (const name of [path, `${path}-wal`, `${path}-shm`, `${path}-journal`]) secureFile(name);
  // `wx` follows no link, so a file that appears now is not overwritten.
  if (statusOf(path) === undefined) createFile(path);
}

/** Refuses a file that is a link, not a file, or another user's; makes it readable by its owner only. */
function secureFile(path: string): void {
  const status = statusOf(path);
  if (status === undefined) return;
  if (status.isSymbolicLink()) throw untrusted(path, 'is a link', 'Name the file that it leads to, if you trust it.');
  if (!status.isFile()) throw untrusted(path, 'is not a file', 'Move it away.');
  requireOwner(path, status);
  if (mayOthersWrite(status))
    throw untrusted(path, 'may be written by other users', `If you trust what it holds, run: chmod 600 ${path}`);
  tighten(path, status, ownerOnly.file);
}

/**
 * A folder that others may write lets them put another file in the place of ours. A folder with the sticky bit, such as
 * /tmp, does not. Only a folder for state is made private: others hold the files of a project too.
 */
function secureFolder(folder: string): void {
  const status = statusOf(folder);
  if (status === undefined) return;
  if (status.isSymbolicLink())
    throw untrusted(folder, 'is a link', 'Name the folder that it leads to, if you trust it.');
  const isSticky = (status.mode & 0o1000) !== 0;
  if (!(isSticky && status.uid === 0)) requireOwner(folder, status);
  if (basename(folder) === '.problems') tighten(folder, status, ownerOnly.folder);
  else if (process.getuid !== undefined && (status.mode & 0o002) !== 0 && !isSticky)
    throw untrusted(folder, 'may be written by every user', `Run: chmod o-w ${folder}`);
}

/** As git does with repositories: https://git-scm.com/docs/git-config#Documentation/git-config.txt-safedirectory. */
function requireOwner(path: string, { uid }: Stats): void {
  const own = process.getuid?.();
  if (own === undefined || uid === own) return;
  throw untrusted(
    path,
    `belongs to another user (uid ${uid}, not ${own})`,
    'Run the command as that user, or name another file with `remediation.state` in the config.',
  );
}

function mayOthersWrite({ mode }: Stats): boolean {
  return process.getuid !== undefined && (mode & 0o022) !== 0;
}

function tighten(path: string, { mode }: Stats, wanted: number): void {
  if (process.getuid !== undefined && (mode & 0o077) !== 0) chmodSync(path, wanted);
}

function statusOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function createFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', ownerOnly.file));
  } catch (error) {
    // Another process was faster.
    if (errorCode(error) !== 'EEXIST') throw error;
    secureFile(path);
  }
}

function untrusted(path: string, what: string, hint: string): ProblemsError {
  return new ProblemsError('state-untrusted', `${path} ${what}, so it is not used as state.`, { hint });
}

/**
 * Undo state may contain passwords, so it must not be committed. `.problems` may exist before the state file, created for
 * the file `paused`. Any other folder may hold other files too, so only our own are ignored there.
 */
function hideFromGit(path: string, isNew: boolean): void {
  const folder = dirname(path);
  const file = join(folder, '.gitignore');
  if (existsSync(file)) return;
  const ours = [basename(path), `${basename(path)}-*`, 'dossiers'].map((name) => `/${name}\n`).join('');
  try {
    writeFileSync(file, isNew || basename(folder) === '.problems' ? '*\n' : ours, { flag: 'wx' });
  } catch (error) {
    // Another process was faster, or it is a dangling link, which must not be followed.
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}
