import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

const largest = 256 * 1024 * 1024;

/** How many files of each kind, told by the end of the name, are kept: the ones written last. */
const filesKept = 50;

/** `$XDG_CACHE_HOME/problem-registry`, or in `~/.cache` (XDG Base Directory Specification: relative paths do not count). */
export function usualCacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const home = environment['XDG_CACHE_HOME'];
  return join(home?.startsWith('/') === true ? home : join(homedir(), '.cache'), 'problem-registry');
}

/** A name alone: each file itself says what it is of. */
export function checksum(text: string): string {
  const half = (seed: number): string => crc32(text, seed).toString(16).padStart(8, '0');
  return half(0) + half(crc32(text));
}

/** The bytes of a file of ours; undefined where there is none. */
export function readCacheFile(folder: string, name: string): Buffer | undefined {
  const file = join(folder, name);
  try {
    const stats = lstatSync(file);
    const isOurs = stats.isFile() && stats.uid === process.geteuid?.() && stats.size <= largest;
    return isOurs ? readFileSync(file) : undefined;
  } catch {
    return undefined;
  }
}

/** Replaces a file as a whole, for its owner alone. Never fails: a cache that cannot be written costs time alone. */
export function writeCacheFile(folder: string, name: string, bytes: Buffer): void {
  try {
    if (bytes.length <= largest) write(folder, name, bytes);
  } catch {
    // A full disk or a folder that is not ours.
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
  prune(folder, kindOf(name));
}

/** `a.scan` and what was on its way to be `a.scan` are of one kind. */
function kindOf(name: string): string | undefined {
  return name.split('.')[1];
}

function prune(folder: string, kind: string | undefined): void {
  const names = readdirSync(folder).filter((name) => kindOf(name) === kind);
  if (names.length <= filesKept) return;
  const byAge = names
    .map((name) => ({ name, age: lstatSync(join(folder, name)).mtimeMs }))
    .toSorted((a, b) => b.age - a.age);
  for (const { name } of byAge.slice(filesKept)) rmSync(join(folder, name), { force: true });
}
