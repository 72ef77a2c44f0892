import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { version } from '../version.ts';
import {
  absentStamp,
  decodeTable,
  encodeTable,
  fileOffset,
  type FolderEntry,
  type FolderTable,
  hasStamp,
  ruleOffset,
  type Stamp,
} from './folder-table.ts';
import { joined } from './locations.ts';
import type { Yielder } from './yield.ts';

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

/** What the last scan of a folder saw, kept between scans. */
export interface ScanCache {
  readonly table: FolderTable;
  /** Never fails: a cache that cannot be written costs time alone. */
  save(table: FolderTable): void;
}

/** Raised whenever what a table says, or what is seen as ignored, changes. */
const format = 1;

/**
 * The file systems of Linux that stamp a folder whenever an entry of it comes, goes or is renamed, with this machine's
 * clock: ext4, XFS, Btrfs, tmpfs, overlayfs, ZFS, F2FS (`f_type` of statfs(2)). Elsewhere, as on a network, stamps prove
 * nothing and nothing is kept.
 */
const stampingFileSystems: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010,
]);

/**
 * Opens the cache of one scanned folder.
 * @param root Its real path.
 * @param settings What the user says of it, such as patterns of the config. Each has a cache of its own.
 * @param state What else decides which files are found: a cache of another state is of no use.
 */
export function openCache(folder: string, root: string, settings: string, state: string): ScanCache | undefined {
  if (!isStamping(root)) return undefined;
  const about = JSON.stringify([format, version, root, settings, state]);
  const name = `${checksum(root + settings)}.scan`;
  return {
    table: load(folder, name, about) ?? new Map<string, FolderEntry>(),
    save: (table) => writeCacheFile(folder, name, encodeTable(about, table)),
  };
}

function isStamping(root: string): boolean {
  try {
    return process.platform === 'linux' && stampingFileSystems.has(statfsSync(root).type);
  } catch {
    return false;
  }
}

function load(folder: string, name: string, about: string): FolderTable | undefined {
  const bytes = readCacheFile(folder, name);
  return bytes === undefined ? undefined : decodeTable(about, bytes);
}

/**
 * Which files stand where, and the stamp of each; undefined where one has none. A stamp is taken before its file is read:
 * what changes in between has another stamp in the next scan.
 */
export function fingerprintOf(
  files: readonly { readonly path: string; readonly file: string }[],
  stamps: ReadonlyMap<string, Stamp>,
): string | undefined {
  const parts = files.map(({ path, file }) => ({ path, file, stamp: stamps.get(file) ?? [Number.NaN] }));
  if (parts.some(({ stamp }) => stamp.some(Number.isNaN))) return undefined;
  return JSON.stringify(parts.map(({ path, file, stamp }) => [path, file, ...stamp]));
}

/**
 * Whether every folder, registry and ignore file that an earlier scan saw still has its stamp. Then a walk would find what
 * that scan found: a folder that came, went or was renamed has changed the stamp of the one it stands in. Most scans find
 * nothing changed, and the stamps alone are told in half the time of a walk.
 */
export async function isFresh(root: string, table: FolderTable, pacer: Yielder): Promise<boolean> {
  for (const entry of table.values()) {
    const { path, files, rules, numbers, at } = entry;
    const folder = joined(root, path);
    if (!isAs(folder, numbers, at)) return false;
    for (let index = 0; index < rules.length; index++)
      if (!isAs(joined(folder, rules[index] ?? ''), numbers, ruleOffset(entry, index))) return false;
    for (let index = 0; index < files.length; index++)
      if (!isAs(joined(folder, files[index] ?? ''), numbers, fileOffset(entry, index))) return false;
    const pausing = pacer.pause();
    if (pausing !== undefined) await pausing;
  }
  pacer.folders += table.size;
  return true;
}

function isAs(path: string, numbers: ArrayLike<number>, at: number): boolean {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    return stats === undefined
      ? absentStamp.every((number, index) => numbers[at + index] === number)
      : hasStamp(numbers, at, stats);
  } catch {
    return false;
  }
}
