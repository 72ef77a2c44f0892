import { lstatSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { readRegularFile } from '../read-file.ts';

/** In bytes. */
const largest = 256 * 1024 * 1024;

/** How many files with the same extension are kept: the ones written last. */
const filesKept = 50;

/**
 * `$XDG_CACHE_HOME/problem-registry`, or in `~/.cache` (XDG Base Directory Specification: relative paths do not count).
 */
export function usualCacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const home = environment['XDG_CACHE_HOME'];
  return join(home?.startsWith('/') === true ? home : join(homedir(), '.cache'), 'problem-registry');
}

/**
 * Sixteen hexadecimal digits that serve as a name. Two texts may share them, so a file also states what it belongs to.
 */
export function checksum(text: string): string {
  const half = (seed: number): string => crc32(text, seed).toString(16).padStart(8, '0');
  return half(0) + half(crc32(text));
}

/** node:zlib and node:v8 are not imported here, but loaded when a cache is used: `validate` starts without them in less time. */
export function crc32(data: Buffer | string, seed = 0): number {
  return process.getBuiltinModule('node:zlib').crc32(data, seed);
}

/**
 * The bytes of a cache file. Undefined if there is none, or if another user could have written it. The bytes may be
 * damaged: check them.
 */
export function readCacheFile(folder: string, name: string): Buffer | undefined {
  try {
    const read = readRegularFile(join(folder, name), { most: largest, followLink: false });
    if (read.type === 'refused' || !read.isWhole) return undefined;
    const isOurs = read.stats.uid === process.geteuid?.() && (read.stats.mode & 0o022) === 0;
    return isOurs ? read.bytes : undefined;
  } catch {
    return undefined;
  }
}

/** Replaces a file as a whole, readable by its owner alone. Never throws: without a cache a scan only takes longer. */
export function writeCacheFile(folder: string, name: string, bytes: Buffer): void {
  try {
    if (bytes.length <= largest) write(folder, name, bytes);
  } catch {
    // The disk is full, or the folder belongs to another user.
  }
}

function write(folder: string, name: string, bytes: Buffer): void {
  const file = join(folder, name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}-${process.hrtime.bigint()}`;
  try {
    writeFileSync(temporary, bytes, { mode: 0o600, flag: 'wx' });
    renameSync(temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
  prune(folder, extensionOf(name));
}

/** `scan` for `a.scan`, and for the temporary file that becomes `a.scan`. */
function extensionOf(name: string): string | undefined {
  return name.split('.')[1];
}

function prune(folder: string, extension: string | undefined): void {
  const names = readdirSync(folder).filter((name) => extensionOf(name) === extension);
  if (names.length <= filesKept) return;
  const byAge = names
    .map((name) => ({ name, age: lstatSync(join(folder, name)).mtimeMs }))
    .toSorted((a, b) => b.age - a.age);
  for (const { name } of byAge.slice(filesKept)) rmSync(join(folder, name), { force: true });
}
