import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText } from '../util/text.ts';
import { compareBy } from '../util/compare.ts';
import type { BackupKind, BackupPart } from './types.ts';

/** Files in a backup's folder that are not part of the backup. */
export const ownFiles: readonly string[] = [
  'metadata.json',
  'verification.json',
  'fingerprints.json',
  'quarantine.json',
];

const maxEntries = 200_000;

export interface FolderEntry {
  /** Relative to the backup's folder. */
  readonly path: string;
  readonly bytes: number;
}

export interface FolderContent {
  readonly files: readonly FolderEntry[];
  readonly parts: readonly BackupPart[];
  readonly notes: readonly string[];
}

/** The files of a backup's folder and its restorable parts. Follows no links and reads only the beginning of files. */
export async function contentOf(folder: string): Promise<FolderContent> {
  const notes: string[] = [];
  const files = await filesOf(folder, notes);
  const kindOfFolder = clusterKind(files, '');
  if (kindOfFolder !== undefined)
    return { files, notes, parts: [{ path: '.', kind: kindOfFolder, database: null, bytes: sum(files) }] };
  const parts: BackupPart[] = [];
  for (const name of new Set(files.map(({ path }) => path.split('/')[0] ?? ''))) {
    const below = files.filter(({ path }) => path.startsWith(`${name}/`));
    if (below.length > 0) {
      const kind = clusterKind(below, `${name}/`) ?? folderKind(below, name);
      if (kind !== undefined) parts.push({ path: name, kind, database: null, bytes: sum(below) });
    } else if (!ownFiles.includes(name) && !name.startsWith('.')) {
      const kind = await fileKind(join(folder, name), name);
      if (kind !== undefined)
        parts.push({ path: name, kind, database: null, bytes: files.find(({ path }) => path === name)?.bytes ?? 0 });
    }
  }
  return { files, parts, notes };
}

async function filesOf(folder: string, notes: string[]): Promise<readonly FolderEntry[]> {
  const files: FolderEntry[] = [];
  const folders = [''];
  while (folders.length > 0 && files.length < maxEntries) {
    const below = folders.pop() ?? '';
    const names = await readdir(join(folder, below)).catch((error: unknown) => {
      notes.push(`${below === '' ? 'the folder' : below} cannot be read: ${errorText(error)}`);
      return [];
    });
    for (const name of names) {
      const path = below === '' ? name : `${below}/${name}`;
      const found = await lstat(join(folder, path)).catch(() => undefined);
      if (found?.isDirectory() === true) folders.push(path);
      else if (found?.isFile() === true) files.push({ path, bytes: found.size });
      else if (found !== undefined && !path.includes('pg_tblspc/'))
        notes.push(`${path} is not a regular file and was skipped.`);
    }
  }
  if (folders.length > 0) notes.push(`It contains more than ${maxEntries} files; the rest was skipped.`);
  return files.sort(compareBy(({ path }) => path));
}

/** Recognises the files of a server: a base backup, or a copy of a data directory. */
function clusterKind(files: readonly FolderEntry[], prefix: string): BackupKind | undefined {
  function has(path: string): boolean {
    return files.some((file) => file.path === `${prefix}${path}`);
  }
  if (has('PG_VERSION') || has('global/pg_control') || has('backup_label'))
    return has('backup_manifest') || has('backup_label') ? 'base-backup' : 'data-directory';
  return has('backup_manifest') && (has('base.tar') || has('base.tar.gz')) ? 'base-backup-tar' : undefined;
}

function folderKind(files: readonly FolderEntry[], name: string): BackupKind | undefined {
  return files.some(({ path }) => path === `${name}/toc.dat` || /\/\d+\.dat(?:\.\w+)?$/.test(path))
    ? 'directory'
    : undefined;
}

/** Recognises a file by its beginning, or by its name if it is empty or damaged. Undefined: not a backup, such as a log. */
async function fileKind(path: string, name: string): Promise<BackupKind | undefined> {
  const head = await headOf(path);
  if (head === undefined) return 'unknown';
  const text = head.toString('latin1');
  if (text.startsWith('PGDMP')) return 'custom';
  if (head[0] === 0x1f && head[1] === 0x8b) return name.endsWith('.tar.gz') ? 'unknown' : 'plain-gzip';
  if (text.slice(257, 262) === 'ustar') return text.startsWith('toc.dat\0') ? 'tar' : 'unknown';
  if (text.includes('-- PostgreSQL database cluster dump')) return /globals|roles/i.test(name) ? 'globals' : 'cluster';
  if (text.includes('-- PostgreSQL database dump')) return 'plain';
  return kindByName(name);
}

function kindByName(name: string): BackupKind | undefined {
  if (/globals.*\.sql$/i.test(name)) return 'globals';
  if (/\.(?:sql|psql)$/i.test(name)) return 'plain';
  if (/\.(?:sql|psql)\.gz$/i.test(name)) return 'plain-gzip';
  if (/\.(?:dump|backup|pgdump|custom)$/i.test(name)) return 'custom';
  if (/\.tar$/i.test(name)) return 'tar';
  return undefined;
}

async function headOf(path: string): Promise<Buffer | undefined> {
  try {
    const handle = await open(path, 'r');
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(1_024), 0, 1_024, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}

function sum(files: readonly FolderEntry[]): number {
  return files.reduce((total, { bytes }) => total + bytes, 0);
}
