import { lstat, open, readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { fileErrorText } from '../read-file.ts';
import { compareBy } from '../util/compare.ts';
import { isCheckSumFile } from './check-sums.ts';
import { headOfPacked, isEncrypted, type Packing, packingOf, unpackedName } from './packing.ts';
import type { BackupKind, BackupPart } from './types.ts';

/** Files in a backup's folder that are not part of the backup. */
export const ownFiles: readonly string[] = [
  'metadata.json',
  'verification.json',
  'fingerprints.json',
  'quarantine.json',
  'put-back.json',
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
    } else if (!ownFiles.includes(name) && !name.startsWith('.') && !isCheckSumFile(name)) {
      const recognized = await recognize(join(folder, name), name);
      if (recognized !== undefined) {
        const bytes = files.find(({ path }) => path === name)?.bytes ?? 0;
        const { kind, packing } = recognized;
        parts.push({ path: name, kind, database: null, bytes, ...(packing === undefined ? {} : { packing }) });
      }
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
      notes.push(`${below === '' ? 'the folder' : below} cannot be read: ${fileErrorText(error)}`);
      return [];
    });
    for (const name of names) {
      const path = below === '' ? name : `${below}/${name}`;
      const found = await lstat(join(folder, path)).catch(() => undefined);
      if (found?.isDirectory() === true) folders.push(path);
      else if (found?.isFile() === true) files.push({ path, bytes: found.size });
      else if (found !== undefined && !path.includes('pg_tblspc/') && !(await isAlias(folder, path)))
        notes.push(`${path} is not a regular file and was skipped.`);
    }
  }
  if (folders.length > 0) notes.push(`It contains more than ${maxEntries} files; the rest was skipped.`);
  return files.sort(compareBy(({ path }) => path));
}

/** A link such as `latest` to another file of the same folder, which is listed under its own name. */
async function isAlias(folder: string, path: string): Promise<boolean> {
  const [top, target] = await Promise.all(
    [realpath(folder), realpath(join(folder, path))].map((one) => one.catch(() => '')),
  );
  return top !== undefined && target !== undefined && target.startsWith(`${top}${sep}`) && (await isFile(target));
}

async function isFile(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isFile() === true;
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

const headBytes = 1_024;

type Recognized = Pick<BackupPart, 'kind' | 'packing'>;

/** Recognizes a file by its beginning, or by its name if it is empty or damaged. Undefined: not a backup, such as a log. */
export async function recognize(path: string, name: string): Promise<Recognized | undefined> {
  const head = await headOf(path);
  if (head === undefined) return { kind: 'unknown' };
  const packing = packingOf(head, name);
  if (packing !== undefined) return recognizePacked(path, name, packing);
  const kind = kindByHead(head, name) ?? kindByName(name);
  return kind === undefined ? undefined : { kind };
}

async function recognizePacked(path: string, name: string, packing: Packing): Promise<Recognized> {
  if (isEncrypted(packing)) return { kind: 'unknown', packing };
  const inner = unpackedName(name);
  const head = await headOfPacked(path, packing, headBytes);
  const kind = kindByHead(head, inner) ?? kindByName(inner);
  // A program that failed leaves a complete gzip of nothing, whatever it is called.
  if (packing === 'gzip' && (kind === 'plain' || (kind === undefined && head.length === 0)))
    return { kind: name.endsWith('.tar.gz') ? 'unknown' : 'plain-gzip' };
  return { kind: kind ?? 'unknown', packing };
}

function kindByHead(head: Buffer, name: string): BackupKind | undefined {
  const text = head.toString('latin1');
  if (text.startsWith('PGDMP')) return 'custom';
  if (text.slice(257, 262) === 'ustar') return text.startsWith('toc.dat\0') ? 'tar' : 'unknown';
  if (text.includes('-- PostgreSQL database cluster dump')) return /globals|roles/i.test(name) ? 'globals' : 'cluster';
  return text.includes('-- PostgreSQL database dump') ? 'plain' : undefined;
}

function kindByName(name: string): BackupKind | undefined {
  if (/globals.*\.sql$/i.test(name)) return 'globals';
  if (/\.(?:sql|psql)$/i.test(name)) return 'plain';
  if (/\.(?:sql|psql)\.gz$/i.test(name)) return 'plain-gzip';
  if (/\.(?:dump|backup|pgdump|custom)$/i.test(name)) return 'custom';
  return /\.tar$/i.test(name) ? 'tar' : undefined;
}

async function headOf(path: string): Promise<Buffer | undefined> {
  try {
    const handle = await open(path, 'r');
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0);
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
