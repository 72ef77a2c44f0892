import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { errorCode, errorText } from './util/text.ts';

/** A file as it was read: the whole of it, or its beginning if it is larger than the caller allows. */
export interface FileBytes {
  readonly type: 'read';
  readonly bytes: Buffer;
  /** Whether the file ends there. */
  readonly isWhole: boolean;
  readonly stats: Stats;
}

export interface NotAFile {
  readonly type: 'refused';
  /** What it is, such as `a named pipe`. */
  readonly is: string;
}

export interface ReadFileOptions {
  /** The most bytes to read. */
  readonly most: number;
  /** Whether the last part of the path may be a symbolic link. Default true; false: it fails with `ELOOP`. */
  readonly followLink?: boolean;
}

const waitForNothing = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

/** Flags that open a file, but no symbolic link, and wait for no named pipe. */
export const plainFile = waitForNothing | (constants.O_NOFOLLOW ?? 0);

/**
 * Reads a file that a stranger may have put there. Anything but a regular file is refused: a named pipe would make the
 * program wait without end, a device may be endless. No more than `most` bytes are read, whatever size the file
 * states: it may grow meanwhile, and files of `/proc` state no size.
 * @throws the error of the file system.
 */
export function readRegularFile(file: string, { most, followLink = true }: ReadFileOptions): FileBytes | NotAFile {
  const descriptor = openOrKind(file, followLink ? waitForNothing : plainFile);
  if (typeof descriptor === 'string') return { type: 'refused', is: descriptor };
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return { type: 'refused', is: kindOf(stats) };
    const bytes = readStart(descriptor, stats.size, most + 1);
    return { type: 'read', bytes: bytes.subarray(0, most), isWhole: bytes.length <= most, stats };
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The text of a file that need not be there. Undefined if it cannot be read, is larger than `most` bytes, or is not a regular
 * file.
 */
export function readTextIfPossible(file: string, options: ReadFileOptions): string | undefined {
  try {
    const read = readRegularFile(file, options);
    return read.type === 'read' && read.isWhole ? read.bytes.toString('utf8') : undefined;
  } catch {
    return undefined;
  }
}

/** Opening a socket fails with ENXIO, and so do some devices without hardware. */
function openOrKind(file: string, flags: number): number | string {
  try {
    return openSync(file, flags);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENXIO') return 'a socket or a device';
    throw error;
  }
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a named pipe';
  return stats.isSocket() ? 'a socket' : 'a device';
}

/** Up to `most` bytes. `size` is what the system states, which decides only how the memory is allocated. */
function readStart(descriptor: number, size: number, most: number): Buffer {
  const chunks: Buffer[] = [];
  let length = 0;
  for (let next = size + 1; length < most; next = 65_536) {
    const chunk = Buffer.allocUnsafe(Math.min(next, most - length));
    const read = readSync(descriptor, chunk);
    if (read === 0) break;
    chunks.push(chunk.subarray(0, read));
    length += read;
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

const meanings: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EILSEQ: 'its name is not UTF-8',
  EISDIR: 'it is a folder',
  ELOOP: 'its symbolic links run in a circle',
  ENAMETOOLONG: 'its name is too long',
  ENOENT: 'it does not exist',
  ENOSPC: 'no space is left on the device',
  ENOTDIR: 'a part of its path is not a folder',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
};

/** What a code of the file system means, such as `ENOENT`. */
export function meaningOf(code: string): string {
  return meanings[code] ?? (code === '' ? 'the reason is unknown' : `the system says ${code}`);
}

/** An error of the file system in words, without the path and the system call that Node adds. */
export function fileErrorText(error: unknown): string {
  return meanings[errorCode(error)] ?? errorText(error);
}
