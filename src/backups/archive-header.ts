import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { headOfPacked } from './packing.ts';
import type { BackupPart } from './types.ts';

/** Which programs made an archive of pg_dump. */
export interface ArchiveHeader {
  /** Of the archive format, such as `1.16`: an older pg_restore refuses a newer one. */
  readonly format: string;
  /** As pg_dump writes it: `17.5 (Debian 17.5-1)`. */
  readonly dumpedFrom: string | undefined;
  readonly dumpedBy: string | undefined;
}

const headerBytes = 4_096;

/** Of a dump in custom, tar or directory format. Undefined if its beginning cannot be read, or is not one. */
export async function archiveHeader(folder: string, part: BackupPart): Promise<ArchiveHeader | undefined> {
  const { kind, path, packing } = part;
  const file = join(folder, path, kind === 'directory' ? 'toc.dat' : '.');
  const most = headerBytes + 512;
  const head =
    packing === undefined
      ? await beginningOf(file, most)
      : await headOfPacked(file, packing, most).catch(() => undefined);
  // In a tar archive, toc.dat comes first.
  return head === undefined ? undefined : headerIn(kind === 'tar' ? head.subarray(512) : head);
}

async function beginningOf(path: string, most: number): Promise<Buffer | undefined> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(most), 0, most, 0);
    return buffer.subarray(0, bytesRead);
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
}

/** The layout that `ReadHead` of pg_backup_archiver.c reads, from format 1.10 (PostgreSQL 8.0) on. */
export function headerIn(bytes: Buffer): ArchiveHeader | undefined {
  if (bytes.length < 16 || bytes.toString('latin1', 0, 5) !== 'PGDMP') return undefined;
  const [major = 0, minor = 0] = [bytes[5], bytes[6]];
  const intBytes = bytes[8] ?? 0;
  if (major !== 1 || minor < 10 || ![4, 8].includes(intBytes)) return undefined;
  // After the sizes of integers and offsets and the format: the compression, as a byte from 1.15 on, before as an integer.
  const compression = minor >= 15 ? 1 : 1 + intBytes;
  // The date: seven integers, each after its sign.
  let at = 11 + compression + 7 * (1 + intBytes);

  function text(): string | undefined {
    if (at + 1 + intBytes > bytes.length) return undefined;
    const isNegative = bytes[at] !== 0;
    const length = bytes.readUInt32LE(at + 1);
    at += 1 + intBytes;
    if (isNegative || length > bytes.length - at) return undefined;
    at += length;
    return bytes.toString('utf8', at - length, at);
  }

  text();
  const dumpedFrom = text();
  return { format: `${major}.${minor}`, dumpedFrom, dumpedBy: dumpedFrom === undefined ? undefined : text() };
}

/** `17` of `17.5 (Debian 17.5-1)`; undefined if it does not begin with a number. */
export function majorOf(version: string | undefined): number | undefined {
  const major = Number.parseInt(version ?? '', 10);
  return Number.isNaN(major) ? undefined : major;
}
