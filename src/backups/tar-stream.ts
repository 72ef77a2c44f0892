import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { compareText } from '../util/compare.ts';

/**
 * A folder as a stream in the format of tar (ustar with GNU long names), so that files get into a container without a mount
 * and whoever owns them. Folders and regular files only: links and special files are left out. All get mode 0600 or 0700.
 */

const block = 512;
const chunkBytes = 2 ** 20;

/** @throws the error of the file system if a file cannot be read. */
export function tarOfFolder(folder: string): AsyncGenerator<Uint8Array> {
  return tarOf(folder, ['.']);
}

/**
 * Some files and folders below a folder, by their paths from there. Tar takes a stream that breaks off after a file for a whole one:
 * `end` is the name of an empty file that comes last, so that the reader can tell.
 * @throws the error of the file system if a file cannot be read.
 */
export async function* tarOf(folder: string, paths: readonly string[], end?: string): AsyncGenerator<Uint8Array> {
  for (const path of paths) yield* entriesOf(folder, path);
  if (end !== undefined) yield header(end, 0, '0');
  yield Buffer.alloc(2 * block);
}

/** Whether a folder with the files of a server has links to tablespaces elsewhere, which a stream leaves out. */
export async function hasTablespaces(folder: string): Promise<boolean> {
  return (await readdir(join(folder, 'pg_tblspc')).catch(() => [])).length > 0;
}

async function* entriesOf(top: string, path: string): AsyncGenerator<Uint8Array> {
  const found = await lstat(join(top, path));
  if (found.isDirectory()) {
    yield header(`${path}/`, 0, '5');
    for (const name of (await readdir(join(top, path))).toSorted(compareText)) yield* entriesOf(top, `${path}/${name}`);
  } else if (found.isFile()) yield* fileOf(top, path);
}

async function* fileOf(top: string, path: string): AsyncGenerator<Uint8Array> {
  const handle = await open(join(top, path), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size } = await handle.stat();
    yield header(path, size, '0');
    for (let at = 0; at < size;) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(Math.min(chunkBytes, size - at)), 0, undefined, at);
      if (bytesRead === 0) throw new Error(`${path} became shorter while it was read`);
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
    yield Buffer.alloc((block - (size % block)) % block);
  } finally {
    await handle.close();
  }
}

function header(path: string, size: number, type: string): Buffer {
  const name = Buffer.from(path);
  if (name.length <= 100) return record(name, size, type);
  // A record of its own has the name, ended by a NUL; the one after it has its beginning.
  const padded = Buffer.alloc(Math.ceil((name.length + 1) / block) * block);
  name.copy(padded);
  return Buffer.concat([
    record(Buffer.from('././@LongLink'), name.length + 1, 'L'),
    padded,
    record(name.subarray(0, 100), size, type),
  ]);
}

function record(name: Buffer, size: number, type: string): Buffer {
  const bytes = Buffer.alloc(block);
  name.copy(bytes);
  bytes.write(type === '5' ? '0000700\0' : '0000600\0', 100);
  bytes.write('0000000\x000000000\0', 108);
  // From 8 GiB on: the number itself, with the highest bit set.
  if (size < 8 ** 11) bytes.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  else {
    bytes[124] = 0x80;
    bytes.writeBigUInt64BE(BigInt(size), 128);
  }
  bytes.write('00000000000\0', 136);
  bytes.write('        ', 148);
  bytes.write(type, 156);
  bytes.write('ustar  \0', 257);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
}
