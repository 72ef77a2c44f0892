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
import type { FolderEntry, FolderTable } from './folder-table.ts';
import { version } from '../version.ts';
import { decodeTable, encodeTable } from './table-encoding.ts';

/** What the last scan of a folder saw, kept between scans. */
export interface ScanCache {
  readonly table: FolderTable;
  /** Never fails: a cache that cannot be written costs time alone. */
  save(table: FolderTable): void;
}

/** Raised whenever what a table says, or what is seen as ignored, changes. */
const format = 1;

const largestTable = 256 * 1024 * 1024;

/** How many folders' tables are kept: the ones written last. */
const tablesKept = 50;

/**
 * The file systems of Linux that stamp a folder whenever an entry of it comes, goes or is renamed, with this machine's
 * clock: ext4, XFS, Btrfs, tmpfs, overlayfs, ZFS, F2FS (`f_type` of statfs(2)). Elsewhere, as on a network, stamps prove
 * nothing and nothing is kept.
 */
const stampingFileSystems: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010,
]);

/** `$XDG_CACHE_HOME/problem-registry`, or in `~/.cache` (XDG Base Directory Specification: relative paths do not count). */
export function usualCacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const home = environment['XDG_CACHE_HOME'];
  return join(home?.startsWith('/') === true ? home : join(homedir(), '.cache'), 'problem-registry');
}

/**
 * Opens the cache of one scanned folder.
 * @param root Its real path.
 * @param settings What the user says of it, such as patterns of the config. Each has a cache of its own.
 * @param state What else decides which files are found: a cache of another state is of no use.
 */
export function openCache(folder: string, root: string, settings: string, state: string): ScanCache | undefined {
  if (!isStamping(root)) return undefined;
  const about = JSON.stringify([format, version, root, settings, state]);
  const file = join(folder, `${checksum(root + settings)}.scan`);
  return {
    table: load(file, about) ?? new Map<string, FolderEntry>(),
    save(table) {
      try {
        write(folder, file, encodeTable(about, table));
      } catch {
        // A full disk or a folder that is not ours.
      }
    },
  };
}

function isStamping(root: string): boolean {
  try {
    return process.platform === 'linux' && stampingFileSystems.has(statfsSync(root).type);
  } catch {
    return false;
  }
}

/** A name alone: the table itself says what it is of. */
function checksum(text: string): string {
  const half = (seed: number): string => crc32(text, seed).toString(16).padStart(8, '0');
  return half(0) + half(crc32(text));
}

function load(file: string, about: string): FolderTable | undefined {
  try {
    const stats = lstatSync(file);
    const isOurs = stats.isFile() && stats.uid === process.geteuid?.() && stats.size <= largestTable;
    return isOurs ? decodeTable(about, readFileSync(file)) : undefined;
  } catch {
    return undefined;
  }
}

function write(folder: string, file: string, bytes: Buffer): void {
  if (bytes.length > largestTable) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}-${process.hrtime.bigint()}`;
  try {
    writeFileSync(temporary, bytes, { mode: 0o600, flag: 'wx' });
    renameSync(temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
  prune(folder);
}

function prune(folder: string): void {
  const tables = readdirSync(folder).filter((name) => /\.scan(\.\d+-\d+)?$/.test(name));
  if (tables.length <= tablesKept) return;
  const byAge = tables
    .map((name) => ({ name, age: lstatSync(join(folder, name)).mtimeMs }))
    .toSorted((a, b) => b.age - a.age);
  for (const { name } of byAge.slice(tablesKept)) rmSync(join(folder, name), { force: true });
}
