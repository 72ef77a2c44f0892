import { crc32 } from 'node:zlib';
import { type FolderEntry, entryLength, type FolderTable } from './folder-table.ts';

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
