import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { plainFile } from '../read-file.ts';

/** In bytes: a thousand times the size of a usual registry. A larger file is not read. */
export const largestFile = 64 * 1024 * 1024;

/** One buffer for all files: allocating one per file costs more than reading the file. */
const buffer = Buffer.allocUnsafe(256 * 1024);

const word = 'embed';

const colon = 0x3a;

const mostBlanks = 1000;

export interface MarkerSearch {
  /** Taken before the file is read. */
  readonly stats: Stats;
  readonly hasMarker: boolean;
}

/**
 * Searches the bytes of a file for `EMBED:` in any case, without decoding them. The answer is also yes for a file that
 * starts with a UTF-16 byte order mark, because its markers have other bytes, and for one that is too large to be read.
 * @throws the error of the file system.
 */
export function searchMarker(file: string): MarkerSearch {
  const descriptor = openSync(file, plainFile);
  try {
    const stats = fstatSync(descriptor);
    return { stats, hasMarker: stats.isFile() && searchDescriptor(descriptor, stats.size) };
  } finally {
    closeSync(descriptor);
  }
}

function searchDescriptor(descriptor: number, size: number): boolean {
  if (size > largestFile) return true;
  let kept = 0;
  for (let position = 0; ;) {
    const read = readSync(descriptor, buffer, kept, buffer.length - kept, position);
    const bytes = buffer.subarray(0, kept + read);
    if (position === 0 && isUtf16(bytes)) return true;
    if (includesMarker(bytes)) return true;
    position += read;
    if (position > largestFile) return true;
    if (read === 0 || (position >= size && bytes.length < buffer.length)) return false;
    kept = Math.min(bytes.length, word.length + mostBlanks + 1);
    buffer.copyWithin(0, bytes.length - kept, bytes.length);
  }
}

/**
 * Whether the bytes contain `EMBED:`. Colons are rare, and no search is faster than that for one byte. Blanks may
 * precede the colon; after too many of them the answer is yes, which costs no more than reading the file. A marker in
 * UTF-16, which some programs append to a file in UTF-8, counts too, and so does a comment that is almost a marker.
 */
export function includesMarker(bytes: Uint8Array): boolean {
  for (let at = bytes.indexOf(colon); at !== -1; at = bytes.indexOf(colon, at + 1)) {
    let end = at;
    while (end > 0 && isBlank(bytes[end - 1])) end--;
    if (at - end > mostBlanks || isWord(bytes, end - word.length)) return true;
    if (bytes[at - 1] === 0 && isWideWord(bytes, at - 2 * word.length)) return true;
  }
  // The wide colon of Chinese and Japanese, U+FF1A.
  for (let at = bytes.indexOf(0xef); at !== -1; at = bytes.indexOf(0xef, at + 1))
    if (bytes[at + 1] === 0xbc && bytes[at + 2] === 0x9a && isWord(bytes, at - word.length)) return true;
  return includesNearMarker(bytes);
}

/** `<!-- EMBED-ACTIVEPROBLEM-START -->`, `<!-- ACTIVEPROBLEM:START -->`. */
function includesNearMarker(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = text.indexOf('<!--'); at !== -1; at = text.indexOf('<!--', at + 4))
    if (/^<!--[ \t-]*(?:embed|[a-z]+[ \t]*[:_-][ \t]*(?:start|end)\b)/i.test(text.toString('latin1', at, at + 64)))
      return true;
  return false;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09;
}

function isWord(bytes: Uint8Array, start: number): boolean {
  for (let index = 0; index < word.length; index++) {
    if (((bytes[start + index] ?? 0) | 0x20) !== word.charCodeAt(index)) return false;
  }
  return true;
}

/** The same with a NUL between any two letters, whichever byte of each comes first. */
function isWideWord(bytes: Uint8Array, start: number): boolean {
  for (let index = 0; index < word.length; index++) {
    if (((bytes[start + 2 * index] ?? 0) | 0x20) !== word.charCodeAt(index) || bytes[start + 2 * index + 1] !== 0)
      return false;
  }
  return true;
}

/** Whether the bytes start with a UTF-16 byte order mark. */
export function isUtf16(bytes: Uint8Array): boolean {
  return (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
}
