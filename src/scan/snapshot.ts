import { lstatSync, type Stats, statfsSync } from 'node:fs';
import { basename } from 'node:path';
import { version } from '../version.ts';
import { checksum, crc32, readCacheFile, writeCacheFile } from './cache.ts';
import { joined } from './locations.ts';
import { type Examined, isRegistryName } from './walk.ts';
import type { Yielder } from './yield.ts';

/**
 * Tells whether a file or folder is still the one that a scan examined: inode, size, modification and change time.
 * Times are milliseconds with a fraction; a double holds them to a quarter of a microsecond, finer than the clock of
 * any file system. A program cannot set the change time, so a file that was replaced by one of the same size and
 * modification time is noticed.
 */
export type Stamp = readonly [inode: number, size: number, modified: number, changed: number];

const stampLength = 4;

/** The stamp of a file that does not exist. */
const absent: Stamp = [0, 0, 0, 0];

/**
 * Milliseconds after a change in which another change could fall within the same tick of the file system's clock, and
 * so leave the same stamp. The coarsest clock in use, that of FAT, ticks every two seconds.
 */
const settleTime = 2000;

/**
 * Undefined if the file changed too shortly before the scan, or is on another device, such as a network mount, whose
 * clock and stamps are unknown.
 * @param since When the scan began, in milliseconds. Stats are taken after that, and files are read after their stats.
 * @param device The device of the scanned root.
 */
export function stampOf(stats: Stats, since: number, device: number): Stamp | undefined {
  return isSettled(stats, since, device) ? [stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs] : undefined;
}

function isSettled({ mtimeMs, ctimeMs, dev }: Stats, since: number, device: number): boolean {
  return mtimeMs < since - settleTime && ctimeMs < since - settleTime && dev === device;
}

/** What a scan found in a folder, with the stamps of everything that decided it. Paths are below the folder. */
export interface Snapshot {
  /** Every folder that was listed, every registry file, and every ignore file that exists or would count if it did. */
  readonly paths: readonly string[];
  /** Four numbers for each path. */
  readonly stamps: Float64Array;
  /** Indexes of the paths that are registry files with `EMBED:`. */
  readonly registries: readonly number[];
  /** Indexes of the paths that are registry files without it. */
  readonly unmarked: readonly number[];
  /** Symbolic links with the name of a registry. */
  readonly links: readonly string[];
}

/** Bounds the memory that a snapshot takes, whatever the size of the tree. */
const mostPaths = 1_000_000;

/** In a smaller tree, reading and writing the snapshot takes as long as the walk that it saves. */
export const fewestPaths = 100;

export interface SnapshotBuilder {
  /** Returns the stamp of a registry file with `EMBED:`, if it has one. */
  add(examined: Examined): Stamp | undefined;
  /** Undefined if a snapshot would not save time: the tree is small or huge, or something has no stamp. */
  build(links: readonly string[]): Snapshot | undefined;
}

/** @param since When the scan began, in milliseconds. */
export function createSnapshotBuilder(root: string, since: number): SnapshotBuilder {
  const device = lstatSync(root, { throwIfNoEntry: false })?.dev ?? Number.NaN;
  const paths: string[] = [];
  const stamps: number[] = [];
  const registries: number[] = [];
  const unmarked: number[] = [];
  let isComplete = true;
  return {
    add({ path, stats, hasMarker }) {
      isComplete &&= paths.length < mostPaths && (stats === undefined || isSettled(stats, since, device));
      if (isComplete) {
        if (hasMarker) registries.push(paths.length);
        else if (isUnmarked({ path, stats, hasMarker })) unmarked.push(paths.length);
        paths.push(path);
        // One array of numbers: a stamp for each of 20,000 paths takes twice the time.
        if (stats === undefined) stamps.push(...absent);
        else stamps.push(stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs);
      }
      return hasMarker && stats !== undefined ? stampOf(stats, since, device) : undefined;
    },
    build(links) {
      if (!isComplete || paths.length < fewestPaths) return undefined;
      return { paths, stamps: Float64Array.from(stamps), registries, unmarked, links };
    },
  };
}

/** Whether it is a file with the name of a registry that is ordinary prose. */
export function isUnmarked({ path, stats, hasMarker }: Examined): boolean {
  return !hasMarker && stats?.isFile() === true && isRegistryName(basename(path));
}

/**
 * Whether everything that an earlier scan examined still has its stamp. Then a walk would find what that scan found: a
 * folder that was added, removed or renamed has changed the stamp of its parent.
 */
export async function isFresh(root: string, { paths, stamps }: Snapshot, yielder: Yielder): Promise<boolean> {
  for (let index = 0; index < paths.length; index++) {
    if (!hasStamp(joined(root, paths[index] ?? ''), stamps, index * stampLength)) return false;
    const pausing = yielder.pause();
    if (pausing !== undefined) await pausing;
  }
  return true;
}

function hasStamp(path: string, stamps: Float64Array, at: number): boolean {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return absent.every((number, index) => stamps[at + index] === number);
    return (
      stamps[at + 3] === stats.ctimeMs &&
      stamps[at + 2] === stats.mtimeMs &&
      stamps[at + 1] === stats.size &&
      stamps[at] === stats.ino
    );
  } catch {
    return false;
  }
}

/** The registry files of a snapshot with their stamps. */
export function registriesIn({ paths, stamps, registries }: Snapshot): { path: string; stamp: Stamp }[] {
  return registries.map((index) => {
    const number = (offset: number): number => stamps[index * stampLength + offset] ?? Number.NaN;
    return { path: paths[index] ?? '', stamp: [number(0), number(1), number(2), number(3)] };
  });
}

/** The files of a snapshot that have the name of a registry and no `EMBED:`. */
export function unmarkedIn({ paths, unmarked }: Snapshot): readonly string[] {
  return unmarked.map((index) => paths[index] ?? '');
}

/**
 * Which files were found, and the stamp of each. Undefined if one of them has none. Two scans with the same fingerprint
 * found the same files with the same content.
 * @param unmarked How many files without `EMBED:` were found.
 */
export function fingerprintOf(
  files: readonly { readonly path: string; readonly file: string }[],
  unmarked: number,
  stamps: ReadonlyMap<string, Stamp>,
): string | undefined {
  const parts: unknown[] = [unmarked];
  for (const { path, file } of files) {
    const stamp = stamps.get(file);
    if (stamp === undefined) return undefined;
    parts.push([path, file, ...stamp]);
  }
  return JSON.stringify(parts);
}

/** Keeps the snapshot of one folder between scans. */
export interface SnapshotCache {
  load(): Snapshot | undefined;
  /** Never throws: without a snapshot the next scan only takes longer. */
  save(snapshot: Snapshot): void;
}

/** Increment it when the content of a snapshot changes, or what a scan ignores. */
const format = 4;

/**
 * The Linux file systems that change the stamp of a folder when an entry is added, removed or renamed, by the clock of
 * this machine: ext4, XFS, Btrfs, tmpfs, overlayfs, ZFS, F2FS (`f_type` of statfs(2)). On others, such as network file
 * systems, a stamp proves nothing, so nothing is kept.
 */
const stampingFileSystems: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010,
]);

/**
 * Undefined if the file system of the root does not stamp reliably.
 * @param folder Where snapshots are kept.
 * @param root The real path of the scanned folder.
 * @param settings What the user states about the scan, such as patterns of the config. Each has a snapshot.
 * @param state What else decides which files are found. A snapshot of another state is ignored.
 */
export function openSnapshotCache(
  folder: string,
  root: string,
  settings: string,
  state: string,
): SnapshotCache | undefined {
  if (!isStamping(root)) return undefined;
  const about = JSON.stringify([format, version, root, settings, state]);
  const name = `${checksum(root + settings)}.scan`;
  return {
    load() {
      const bytes = readCacheFile(folder, name);
      return bytes === undefined ? undefined : decode(about, bytes);
    },
    save: (snapshot) => writeCacheFile(folder, name, encode(about, snapshot)),
  };
}

function isStamping(root: string): boolean {
  try {
    return process.platform === 'linux' && stampingFileSystems.has(statfsSync(root).type);
  } catch {
    return false;
  }
}

const headLength = 4;

/** Four bytes of CRC-32, then the snapshot in the format of `v8.serialize`. */
function encode(about: string, snapshot: Snapshot): Buffer {
  const content = process.getBuiltinModule('node:v8').serialize({ ...snapshot, about });
  const head = Buffer.alloc(headLength);
  head.writeUInt32LE(crc32(content));
  return Buffer.concat([head, content]);
}

function decode(about: string, bytes: Buffer): Snapshot | undefined {
  try {
    const content = bytes.subarray(headLength);
    if (bytes.readUInt32LE(0) !== crc32(content)) return undefined;
    const value: unknown = process.getBuiltinModule('node:v8').deserialize(content);
    return isSnapshotOf(about, value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A file of this user may still hold anything, so no path in it may lead out of the scanned folder. */
function isSnapshotOf(about: string, value: unknown): value is Snapshot {
  if (typeof value !== 'object' || value === null) return false;
  if (!('about' in value && 'paths' in value && 'stamps' in value && 'registries' in value)) return false;
  if (!('unmarked' in value && 'links' in value)) return false;
  const { paths, stamps, registries, unmarked, links } = value;
  return (
    value.about === about &&
    isTexts(paths) &&
    stamps instanceof Float64Array &&
    stamps.length === paths.length * stampLength &&
    [registries, unmarked].every((indexes) => isRegistryList(indexes, paths)) &&
    isTexts(links) &&
    links.every(isRegistryPath)
  );
}

function isRegistryList(value: unknown, paths: readonly string[]): boolean {
  return (
    Array.isArray(value) && value.every((index: unknown) => typeof index === 'number' && isRegistryPath(paths[index]))
  );
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function isRegistryPath(path: string | undefined): boolean {
  return (
    path !== undefined && !path.startsWith('/') && !path.split('/').includes('..') && isRegistryName(basename(path))
  );
}
