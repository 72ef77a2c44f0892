import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { errorCode } from '../util/text.ts';

/** What a given path leads to. `path` is relative to the working folder; `''` is that folder itself. */
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
    return { type: 'missing', path: relativePath(cwd, absolute), code: errorCode(error) };
  }
}

/** A folder may have several paths; the one within the working folder is shown. */
function shortest(given: string, real: string): string {
  return isOutside(given) && !isOutside(real) ? real : given;
}

/** The root of the repository that a folder is in: the nearest folder with a `.git`, the folder itself or one above. */
export function repositoryOf(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return at;
    if (at === dirname(at)) return undefined;
  }
}

/**
 * Turns paths relative to the working folder into paths from the root of its repository, which CI systems expect. Outside
 * a repository they stay as they are.
 */
export function fromRepository(cwd: string): (path: string) => string {
  const folder = realpathSync.native(cwd);
  const root = repositoryOf(folder);
  return (path) => (root === undefined ? path : relativePath(root, resolve(folder, path)));
}

export function isOutside(path: string): boolean {
  return path === '..' || path.startsWith('../');
}

export function relativePath(from: string, to: string): string {
  return relative(from, to).split(sep).join('/');
}

/** How many folders a path leads up before it leads down. */
export function stepsUp(path: string): number {
  return path.split('/').filter((name) => name === '..').length;
}

/** The folders of a path, beginning at the folder that is `top` steps above the working folder. */
export function foldersFrom(path: string, cwd: string, top: number): readonly string[] {
  const way = resolve(cwd).split(sep);
  return [...way.slice(way.length - top, way.length - stepsUp(path)), ...foldersOf(path)];
}

/** The names of a path, without `..`. */
export function foldersOf(path: string): readonly string[] {
  return path.split('/').filter((name) => name !== '' && name !== '..');
}

/** Joins with a forward slash; the folder `''` adds nothing. */
export function joined(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
