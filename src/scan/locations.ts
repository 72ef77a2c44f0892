import { realpathSync, statSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';

/** The system's code of an error, such as `ENOENT`. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}

const meanings: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EILSEQ: 'its name is not UTF-8',
  EISDIR: 'it is a folder',
  ELOOP: 'its symbolic links run in a circle',
  ENAMETOOLONG: 'its name is too long',
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of its path is no folder',
  EPERM: 'permission denied',
};

/** What a code means, in words that need no manual. */
export function meaningOf(code: string): string {
  return meanings[code] ?? `the system says ${code}`;
}

/** What a path on the command line stands for. `path` is relative to the working folder; `''` is that folder itself. */
export type Location = Found<'folder'> | Found<'file'> | Missing;

interface Found<Type extends 'folder' | 'file'> {
  readonly type: Type;
  /** Its real path. */
  readonly file: string;
  readonly path: string;
}

interface Missing {
  readonly type: 'missing';
  readonly path: string;
  /** The system's code, such as `ENOENT`. */
  readonly code: string;
}

export function locate(path: string, cwd: string): Location {
  const absolute = resolve(cwd, path);
  try {
    const file = realpathSync.native(absolute);
    const type = statSync(file).isDirectory() ? 'folder' : 'file';
    return { type, file, path: shortest(relativePath(cwd, absolute), relativePath(realpathSync.native(cwd), file)) };
  } catch (error) {
    return { type: 'missing', path: relativePath(cwd, absolute), code: codeOf(error) };
  }
}

/** A folder may be reached by several names; the one that stays in the working folder is the one to show. */
function shortest(given: string, real: string): string {
  return isOutside(given) && !isOutside(real) ? real : given;
}

export function isOutside(path: string): boolean {
  return path === '..' || path.startsWith('../');
}

export function relativePath(from: string, to: string): string {
  return relative(from, to).split(sep).join('/');
}

/** How far a path leads out of the working folder before it leads down. */
export function stepsUp(path: string): number {
  return path.split('/').filter((name) => name === '..').length;
}

/** The folders to a path from the folder that lies `top` steps above the working folder. */
export function foldersFrom(path: string, cwd: string, top: number): readonly string[] {
  const way = resolve(cwd).split(sep);
  return [...way.slice(way.length - top, way.length - stepsUp(path)), ...foldersOf(path)];
}

/** The folders on a way down; steps upward do not count. */
export function foldersOf(path: string): readonly string[] {
  return path.split('/').filter((name) => name !== '' && name !== '..');
}

/** Below a folder, with forward slashes; `''` is the folder itself. */
export function joined(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
