import { createReadStream } from 'node:fs';
import { Duplex } from 'node:stream';
import * as zlib from 'node:zlib';
import { shellQuote } from '../util/quote.ts';
import { hasProgram, programOf, unpackProgram } from './unpack-program.ts';
import { zstdFrames } from './zstd-frames.ts';

/** What a file of a backup is wrapped in. A backup in `age`, `gpg` or `openssl` is encrypted. */
export type Packing = 'gzip' | 'zstd' | 'xz' | 'bzip2' | 'lz4' | 'age' | 'gpg' | 'openssl';

/** By their first bytes, in hex: RFC 1952 and 8878, and the formats of xz, bzip2, lz4, age, OpenPGP and OpenSSL. */
const beginnings: readonly (readonly [Packing, string])[] = [
  ['gzip', '1f8b'],
  ['zstd', '28b52ffd'],
  ['xz', 'fd377a585a00'],
  ['bzip2', '425a68'],
  ['lz4', '04224d18'],
  ['age', hex('age-encryption.org/v1\n')],
  ['age', hex('-----BEGIN AGE ENCRYPTED FILE-----')],
  ['gpg', hex('-----BEGIN PGP MESSAGE-----')],
  ['openssl', hex('Salted__')],
];

function hex(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex');
}

/** @param head The first bytes of the file. `name` decides only for gpg, whose binary messages have no clear beginning. */
export function packingOf(head: Buffer, name: string): Packing | undefined {
  const bytes = head.toString('hex', 0, 64);
  const found = beginnings.find(([, beginning]) => bytes.startsWith(beginning))?.[0];
  if (found !== undefined) return found;
  // RFC 4880, 4.2: the first byte of a packet has its highest bit set.
  return /\.(?:gpg|pgp)$/i.test(name) && (head[0] ?? 0) >= 0x80 ? 'gpg' : undefined;
}

const endings: ReadonlyMap<string, Packing> = new Map([
  ['gz', 'gzip'],
  ['zst', 'zstd'],
  ['zstd', 'zstd'],
  ['xz', 'xz'],
  ['bz2', 'bzip2'],
  ['lz4', 'lz4'],
]);

/** What a name says that a file is compressed with. */
export function packingByName(name: string): Packing | undefined {
  return endings.get(/\.([a-z\d]+)$/.exec(name)?.[1] ?? '');
}

/** The name without the endings of what it is wrapped in: `shop.sql.gz` is `shop.sql`. */
export function unpackedName(name: string): string {
  return name.replace(/\.(?:gz|zst|zstd|xz|bz2|lz4|age|gpg|pgp|asc|enc)$/i, '');
}

const encryptions: readonly Packing[] = ['age', 'gpg', 'openssl'];

export function isEncrypted(packing: Packing): boolean {
  return encryptions.includes(packing);
}

/** The command that unpacks a file beside it, and keeps it. */
export function unpackCommand(packing: Packing, path: string): string {
  const to = shellQuote(unpackedName(path));
  const from = shellQuote(path);
  switch (packing) {
    case 'gzip':
      return `gzip -dk ${from}`;
    case 'zstd':
      return `zstd -dk ${from}`;
    case 'xz':
      return `xz -dk ${from}`;
    case 'bzip2':
      return `bzip2 -dk ${from}`;
    case 'lz4':
      return `lz4 -dk ${from}`;
    case 'age':
      return `age -d -i <key file> -o ${to} ${from}`;
    case 'gpg':
      return `gpg -o ${to} -d ${from}`;
    case 'openssl':
      return `openssl enc -d -<cipher> -pbkdf2 -in ${from} -out ${to}`;
  }
}

/**
 * A stream that unpacks; undefined if neither this Node.js (zstd: from 22.15 and 23.8 on) nor a program of this machine does (xz,
 * bzip2, lz4).
 */
export function unpackerOf(packing: Packing): Duplex | undefined {
  if (packing === 'gzip') return zlib.createGunzip();
  if (hasProgram(packing)) {
    const program = programOf(packing);
    return program === undefined ? undefined : unpackProgram(packing, program);
  }
  if (packing !== 'zstd' || !canUnpack('zstd')) return undefined;
  const [frames, unpacker] = [zstdFrames(), zlib.createZstdDecompress()];
  frames.on('error', (error) => unpacker.destroy(error)).pipe(unpacker);
  return Duplex.from({ writable: frames, readable: unpacker });
}

/** Whether {@link unpackerOf} has a stream for it. */
export function canUnpack(packing: Packing): boolean {
  if (hasProgram(packing)) return programOf(packing) !== undefined;
  return packing === 'gzip' || (packing === 'zstd' && 'createZstdDecompress' in zlib);
}

/** bzip2 and lz4 unpack whole blocks: of 900 kB, and of at most 4 MiB. */
const headPacked: Partial<Readonly<Record<Packing, number>>> = { bzip2: 2 ** 20, lz4: 2 ** 22 + 2 ** 16 };

/** The first bytes of what is wrapped, from the beginning of the file. Empty if it cannot be unpacked here. */
export async function headOfPacked(path: string, packing: Packing, most: number): Promise<Buffer> {
  const unpacker = unpackerOf(packing);
  if (unpacker === undefined) return Buffer.alloc(0);
  const parts: Buffer[] = [];
  let length = 0;
  const stream = createReadStream(path, { end: (headPacked[packing] ?? 2 ** 16) - 1 });
  stream.on('error', (error) => unpacker.destroy(error)).pipe(unpacker);
  try {
    for await (const chunk of unpacker) {
      if (!(chunk instanceof Buffer)) continue;
      parts.push(chunk);
      length += chunk.length;
      if (length >= most) break;
    }
  } catch {
    // It breaks off there, or is damaged: L0 says so.
  } finally {
    stream.destroy();
    unpacker.destroy();
  }
  return Buffer.concat(parts).subarray(0, most);
}

/**
 * Shell functions: `packer FILE` writes the name of the program that unpacks a file, `cat` if it is not wrapped, and `unpacked FILE`
 * its content. If the image lacks the program, it writes `needs PROGRAM` to standard error.
 */
export const unpackedFunction = String.raw`
packer() {
  case $(head -c 6 "$1" | od -An -tx1 | tr -d ' \n') in
  1f8b*) echo gzip ;; 28b52ffd*) echo zstd ;; fd377a585a00) echo xz ;; 425a68*) echo bzip2 ;; 04224d18*) echo lz4 ;; *) echo cat ;;
  esac
}
unpacked() {
  set -- "$1" "$(packer "$1")"
  command -v "$2" >/dev/null || { echo "needs $2" >&2; return 1; }
  if [ "$2" = cat ]; then cat <"$1"; else "$2" -dc <"$1"; fi
}`;

/** More than any dump becomes: no text that a dump may contain is compressed better than this. */
export function mostUnpacked(packedBytes: number): number {
  return 2 ** 26 + 1_000 * packedBytes;
}
