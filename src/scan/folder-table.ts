import type { Stats } from 'node:fs';
import { crc32 } from 'node:zlib';

/**
 * What tells that a file or folder is still the one that was seen: inode, size, modification and change time. Times are
 * milliseconds with a fraction; a double holds them to a quarter of a microsecond, finer than any file system's clock.
 * No program can set the change time, so a file swapped for one of the same size and modification time is noticed.
 */
export type Stamp = readonly [inode: number, size: number, modified: number, changed: number];

export const stampLength = 4;

/** Equal to no stamp, not even to itself. */
export const noStamp: Stamp = [NaN, NaN, NaN, NaN];

/**
 * Something that changed so lately could change again within the same tick of the file system's clock and look the
 * same. The coarsest clock in use, that of FAT, ticks every two seconds.
 */
const settleTime = 2000;

/**
 * @param since When the scan began, in milliseconds: the stamp is taken after that, and what it stands for is read later.
 * @param device The device of the scanned root. Another one may be a network's, whose clock and stamps are unknown.
 */
export function stampOf(stats: Stats, since: number, device: number): Stamp {
  const isSettled = stats.mtimeMs < since - settleTime && stats.ctimeMs < since - settleTime;
  return isSettled && stats.dev === device ? [stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs] : noStamp;
}

/** Of what is not there: any change makes it be there. */
export const absentStamp: Stamp = [0, 0, 0, 0];

export function hasStamp(numbers: ArrayLike<number>, at: number, stats: Stats): boolean {
  return (
    numbers[at + 3] === stats.ctimeMs &&
    numbers[at + 2] === stats.mtimeMs &&
    numbers[at + 1] === stats.size &&
    numbers[at] === stats.ino
  );
}

export function stampAt(numbers: ArrayLike<number>, at: number): Stamp {
  const number = (index: number): number => numbers[at + index] ?? NaN;
  return [number(0), number(1), number(2), number(3)];
}

/** What a scan needs to know of a folder: names alone, ignored ones left out. */
export interface Listing {
  readonly folders: readonly string[];
  /** Registries: regular files. */
  readonly files: readonly string[];
  /** Symbolic links with the name of a registry. */
  readonly links: readonly string[];
  /** Ignore files that stand in it or would have a say in it, relative to it. */
  readonly rules: readonly string[];
  readonly isRepository: boolean;
}

/**
 * A folder as a scan saw it. The numbers at `at` are its stamp, a stamp for each of `rules`, and for each of `files` a
 * stamp and 1 where it holds `EMBED:`, else 0.
 */
export interface FolderEntry extends Listing {
  readonly path: string;
  readonly numbers: ArrayLike<number>;
  readonly at: number;
}

const fileLength = stampLength + 1;

export function ruleOffset(entry: { readonly at: number }, index: number): number {
  return entry.at + stampLength * (index + 1);
}

export function fileOffset(entry: Pick<FolderEntry, 'at' | 'rules'>, index: number): number {
  return entry.at + stampLength * (entry.rules.length + 1) + fileLength * index;
}

function entryLength(listing: Pick<Listing, 'rules' | 'files'>): number {
  return stampLength * (listing.rules.length + 1) + fileLength * listing.files.length;
}

export interface SeenFile {
  readonly stamp: Stamp;
  readonly holdsMarker: boolean;
}

export interface Stamps {
  readonly folder: Stamp;
  readonly rules: readonly Stamp[];
  readonly files: readonly SeenFile[];
}

export function createEntry(path: string, listing: Listing, stamps: Stamps): FolderEntry {
  const { folders, files, links, rules, isRepository } = listing;
  const numbers = [...stamps.folder];
  for (const stamp of stamps.rules) numbers.push(...stamp);
  for (const { stamp, holdsMarker } of stamps.files) numbers.push(...stamp, Number(holdsMarker));
  return { path, folders, files, links, rules, isRepository, numbers, at: 0 };
}

/** What a scan saw of all folders, by path. */
export type FolderTable = ReadonlyMap<string, FolderEntry>;

/**
 * A table on disk: four bytes of CRC-32 over all that follows, four of the length of the text, the text (JSON), blanks
 * up to a multiple of eight, and the numbers of all entries in their order, as doubles. All in the machine's byte order:
 * a table from elsewhere fails the check, and costs nothing but time.
 */
interface TableText {
  readonly about: string;
  readonly entries: readonly EntryText[];
}

type EntryText = readonly [
  path: string,
  folders: readonly string[],
  files: readonly string[],
  links: readonly string[],
  rules: readonly string[],
  isRepository: boolean,
];

const headLength = 8;

/** @param about What the table is of: a table that says otherwise is not this one. */
export function encodeTable(about: string, table: FolderTable): Buffer {
  const entries = [...table.values()];
  const text: TableText = {
    about,
    entries: entries.map(({ path, folders, files, links, rules, isRepository }) => [
      path,
      folders,
      files,
      links,
      rules,
      isRepository,
    ]),
  };
  const json = Buffer.from(JSON.stringify(text));
  const start = aligned(headLength + json.length);
  const count = entries.reduce((sum, entry) => sum + entryLength(entry), 0);
  const numbers = new Float64Array(count);
  let at = 0;
  for (const entry of entries) {
    const length = entryLength(entry);
    for (let index = 0; index < length; index++) numbers[at + index] = entry.numbers[entry.at + index] ?? NaN;
    at += length;
  }
  const bytes = Buffer.alloc(start + numbers.byteLength, ' ');
  bytes.writeUInt32LE(json.length, 4);
  json.copy(bytes, headLength);
  bytes.set(new Uint8Array(numbers.buffer), start);
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  return bytes;
}

/** Nothing where the bytes are damaged or of something else. */
export function decodeTable(about: string, bytes: Buffer): FolderTable | undefined {
  if (bytes.length < headLength || bytes.readUInt32LE(0) !== crc32(bytes.subarray(4))) return undefined;
  const length = bytes.readUInt32LE(4);
  const start = aligned(headLength + length);
  const text = parse(bytes.toString('utf8', headLength, headLength + length));
  if (text?.about !== about) return undefined;
  const numbers = new Float64Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length));
  const table = new Map<string, FolderEntry>();
  let at = 0;
  for (const [path, folders, files, links, rules, isRepository] of text.entries) {
    const entry = { path, folders, files, links, rules, isRepository, numbers, at };
    table.set(path, entry);
    at += entryLength(entry);
  }
  return at === numbers.length ? table : undefined;
}

function aligned(length: number): number {
  return Math.ceil(length / 8) * 8;
}

function parse(json: string): TableText | undefined {
  try {
    const text: unknown = JSON.parse(json);
    return isTableText(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** The checksum vouches for what is within. */
function isTableText(text: unknown): text is TableText {
  return (
    typeof text === 'object' && text !== null && 'about' in text && 'entries' in text && Array.isArray(text.entries)
  );
}
