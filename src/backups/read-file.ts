import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { dumpText, type DumpText } from '../host/backups/dump-text.ts';

/** What one pass over a file tells: memory stays the same however long it is. */
export interface FileScan {
  readonly bytes: number;
  readonly sha256: string;
  /** Of the bytes as they lie there. Every line feed of a file that went through a terminal has a carriage return. */
  readonly lineFeeds: number;
  readonly carriageReturns: number;
  /** Of a plain dump, unpacked where it is packed. */
  readonly text: DumpText | undefined;
  /** Why it could not be unpacked to its end. */
  readonly unpacking: string | undefined;
}

/** @throws what the file system says where it cannot be read. */
export async function scanFile(
  path: string,
  as: 'bytes' | 'plain' | 'plain-gzip',
  signal: AbortSignal,
): Promise<FileScan> {
  const hash = createHash('sha256');
  const text = as === 'bytes' ? undefined : dumpText();
  const unpacker = as === 'plain-gzip' ? createGunzip() : undefined;
  const unpacked = unpacker === undefined ? undefined : drain(unpacker, (chunk) => text?.take(chunk));
  let bytes = 0;
  let lineFeeds = 0;
  let carriageReturns = 0;
  let last = 0;
  const stream = createReadStream(path, { highWaterMark: 2 ** 20, signal });
  for await (const chunk of stream) {
    if (!(chunk instanceof Buffer)) continue;
    hash.update(chunk);
    bytes += chunk.length;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) {
      lineFeeds += 1;
      if ((at === 0 ? last : chunk[at - 1]) === 13) carriageReturns += 1;
    }
    last = chunk.at(-1) ?? last;
    if (unpacker === undefined) text?.take(chunk);
    else if (unpacker.writable && !unpacker.write(chunk)) await ready(unpacker);
  }
  unpacker?.end();
  const unpacking = await unpacked;
  return { bytes, sha256: hash.digest('hex'), lineFeeds, carriageReturns, text: text?.end(), unpacking };
}

/** Undefined where it came to its end, else what the unpacker says. */
async function drain(
  unpacker: ReturnType<typeof createGunzip>,
  take: (chunk: Buffer) => void,
): Promise<string | undefined> {
  try {
    for await (const chunk of unpacker) if (chunk instanceof Buffer) take(chunk);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function ready(unpacker: ReturnType<typeof createGunzip>): Promise<void> {
  return new Promise((resolve) => {
    function over(): void {
      for (const event of ['drain', 'error', 'close']) unpacker.off(event, over);
      resolve();
    }
    for (const event of ['drain', 'error', 'close']) unpacker.once(event, over);
  });
}
