import { statfsSync } from 'node:fs';
import { checksum, readCacheFile, writeCacheFile } from './cache-files.ts';
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
