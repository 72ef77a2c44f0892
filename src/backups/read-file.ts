import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Duplex } from 'node:stream';
import { errorText } from '../util/text.ts';
import { mostUnpacked, type Packing, unpackerOf } from './packing.ts';
import { dumpReader, type DumpRefusal } from './plain-dump.ts';

/** The structure of a plain dump, read line by line in bounded memory. Rows between COPY and `\.` are skipped. */
export interface DumpText {
  readonly bytes: number;
  /** How often the dump of a database begins, and how often one ends. */
  readonly begins: number;
  readonly ends: number;
  /** The header of pg_dumpall, and its end. */
  readonly clusterBegins: number;
  readonly clusterEnds: number;
  /** Anything but comments and `\unrestrict` follows the end. */
  readonly afterEnd: boolean;
  /** The text ends between COPY and `\.`. */
  readonly insideCopy: boolean;
  /** The argument of `\connect`, as written. */
  readonly connects: boolean;
  readonly createsTables: number;
  /** Statements with rows: COPY … FROM stdin, or INSERT. */
  readonly givesRows: number;
  readonly dumpedFrom: string | undefined;
  readonly dumpedBy: string | undefined;
  /** The first 200 characters. */
  readonly head: string;
}

const keptOfLine = 4_096;

export function dumpTextReader(): { take(chunk: Buffer): void; end(): DumpText } {
  const seen = { begins: 0, ends: 0, clusterBegins: 0, clusterEnds: 0, createsTables: 0, givesRows: 0, bytes: 0 };
  const flags = { afterEnd: false, inCopy: false, connects: false };
  let dumpedFrom: string | undefined;
  let dumpedBy: string | undefined;
  let head = '';
  let carry: Buffer[] = [];
  let carried = 0;

  function line(bytes: Buffer): void {
    const first = bytes[0];
    if (flags.inCopy) {
      if (first === 0x5c && bytes.length <= 3 && /^\\\.\r?$/.test(bytes.toString('latin1'))) flags.inCopy = false;
      return;
    }
    if (first === undefined || first === 13) return;
    const text = bytes.toString('latin1').replace(/\r$/, '');
    if (first === 0x2d && text.startsWith('--')) comment(text);
    else {
      const isOver = seen.clusterBegins > 0 ? seen.clusterEnds > 0 : seen.ends > 0;
      if (isOver && !text.startsWith('\\unrestrict')) flags.afterEnd = true;
      if (text.startsWith('COPY ') && / FROM stdin;$/i.test(text)) flags.inCopy = true;
      if (flags.inCopy || text.startsWith('INSERT INTO ')) seen.givesRows += 1;
      else if (text.startsWith('\\connect')) flags.connects = true;
      else if (text.startsWith('CREATE TABLE ')) seen.createsTables += 1;
    }
  }

  function comment(text: string): void {
    if (text === '-- PostgreSQL database dump') seen.begins += 1;
    else if (text === '-- PostgreSQL database dump complete') seen.ends += 1;
    else if (text === '-- PostgreSQL database cluster dump') seen.clusterBegins += 1;
    else if (text === '-- PostgreSQL database cluster dump complete') seen.clusterEnds += 1;
    else if (text.startsWith('-- Dumped from database version ')) dumpedFrom ??= text.slice(32).trim();
    else if (text.startsWith('-- Dumped by pg_dump version ')) dumpedBy ??= text.slice(29).trim();
  }

  function carryOver(bytes: Buffer): void {
    const room = Math.max(0, keptOfLine - carried);
    // The end of a long line matters as well: `FROM stdin;`.
    carry.push(bytes.length <= room ? bytes : Buffer.concat([bytes.subarray(0, room), bytes.subarray(-16)]));
    carried += bytes.length;
    if (carry.length > 64) carry = [Buffer.concat(carry).subarray(0, keptOfLine * 2)];
  }

  return {
    take(chunk) {
      seen.bytes += chunk.length;
      if (head.length < 200) head += chunk.subarray(0, 200 - head.length).toString('latin1');
      let from = 0;
      for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
        if (carried === 0) line(chunk.subarray(from, at));
        else {
          carryOver(chunk.subarray(from, at));
          line(Buffer.concat(carry));
          carry = [];
          carried = 0;
        }
        from = at + 1;
      }
      if (from < chunk.length) carryOver(chunk.subarray(from));
    },
    end() {
      if (carried > 0) line(Buffer.concat(carry));
      return {
        ...seen,
        afterEnd: flags.afterEnd,
        insideCopy: flags.inCopy,
        connects: flags.connects,
        dumpedFrom,
        dumpedBy,
        head,
      };
    },
  };
}

/** The result of one pass done a file, in constant memory. */
export interface FileScan {
  readonly bytes: number;
  readonly sha256: string;
  /** Of the stored bytes. In a file that went through a terminal, every line feed follows a carriage return. */
  readonly lineFeeds: number;
  readonly carriageReturns: number;
  /** Of a plain dump, after decompression if necessary. */
  readonly text: DumpText | undefined;
  /** Why decompression failed. */
  readonly unpacking: string | undefined;
  /** What a plain dump has that no dump needs: a command of psql, say. */
  readonly refusal: DumpRefusal | undefined;
}

/** How a file is read: as bytes only, or as the text of a plain dump, which may be wrapped. */
export type ReadAs = 'bytes' | { readonly packing: Packing | undefined };

/** @throws the error of the file system if the file cannot be read. */
export async function scanFile(path: string, as: ReadAs, signal: AbortSignal): Promise<FileScan> {
  const hash = createHash('sha256');
  const text = as === 'bytes' ? undefined : dumpTextReader();
  const reader = as === 'bytes' ? undefined : dumpReader('unused');
  function take(chunk: Buffer): void {
    text?.take(chunk);
    reader?.take(chunk);
  }
  const unpacker = as === 'bytes' || as.packing === undefined ? undefined : unpackerOf(as.packing);
  let bytes = 0;
  const unpacked = unpacker === undefined ? undefined : readUnpacked(unpacker, take, () => bytes);
  let lineFeeds = 0;
  let carriageReturns = 0;
  let last = 0;
  const stream = createReadStream(path, { highWaterMark: 2 ** 20, signal });
  try {
    for await (const chunk of stream) {
      if (!(chunk instanceof Buffer)) continue;
      hash.update(chunk);
      bytes += chunk.length;
      for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) {
        lineFeeds += 1;
        if ((at === 0 ? last : chunk[at - 1]) === 13) carriageReturns += 1;
      }
      last = chunk.at(-1) ?? last;
      if (unpacker === undefined) take(chunk);
      else if (unpacker.writable && !unpacker.write(chunk)) await waitUntilWritable(unpacker);
    }
  } catch (error) {
    // It may be a program that waits for more.
    unpacker?.destroy();
    throw error;
  }
  unpacker?.end();
  const unpacking = await unpacked;
  reader?.end();
  const refusal = reader?.refusal();
  return { bytes, sha256: hash.digest('hex'), lineFeeds, carriageReturns, text: text?.end(), unpacking, refusal };
}

/** Undefined if it reached the end, else the error of the decompressor. */
async function readUnpacked(
  unpacker: Duplex,
  take: (chunk: Buffer) => void,
  packedBytes: () => number,
): Promise<string | undefined> {
  let bytes = 0;
  try {
    for await (const chunk of unpacker) {
      if (!(chunk instanceof Buffer)) continue;
      bytes += chunk.length;
      if (bytes > mostUnpacked(packedBytes())) return tooMuch;
      take(chunk);
    }
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}

/** A small file that unpacks to a huge one does not contain a dump. */
export const tooMuch = 'it unpacks to more than a thousand times its size';

function waitUntilWritable(unpacker: Duplex): Promise<void> {
  return new Promise((resolve) => {
    function done(): void {
      for (const event of ['drain', 'error', 'close']) unpacker.off(event, done);
      resolve();
    }
    for (const event of ['drain', 'error', 'close']) unpacker.once(event, done);
  });
}
