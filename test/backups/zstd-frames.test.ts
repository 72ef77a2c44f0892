import { Readable } from 'node:stream';
import { zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { unpackerOf } from '../../src/backups/packing.ts';

const first = zstdCompressSync('first\n');
const second = zstdCompressSync(Buffer.from('second\n'.repeat(50_000)));
const skippable = Buffer.from('5a2a4d1804000000aabbccdd', 'hex');
const emptySkippable = Buffer.from('502a4d1800000000', 'hex');

async function unpacked(bytes: Buffer, chunkBytes: number): Promise<string> {
  const unpacker = unpackerOf('zstd');
  if (unpacker === undefined) throw new Error('this Node.js has no zstd');
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, index) =>
    bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes),
  );
  Readable.from(chunks).pipe(unpacker);
  let text = '';
  try {
    for await (const chunk of unpacker) text += String(chunk);
    return text;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** `zstd -d` writes all of them; the decompressor of Node.js drops what follows a frame in a chunk. */
describe.each([1, 2, 3, 7, 1_000, 2 ** 20])('zstd in chunks of %i bytes', (chunkBytes) => {
  const both = `first\n${'second\n'.repeat(50_000)}`;
  it.for([
    ['two frames', Buffer.concat([first, second]), both],
    ['two in the other order', Buffer.concat([second, first]), `${'second\n'.repeat(50_000)}first\n`],
    ['frames without content in between', Buffer.concat([skippable, first, emptySkippable, skippable, second]), both],
    ['a frame of nothing', Buffer.concat([zstdCompressSync(''), first]), 'first\n'],
  ] as const)('is unpacked to its end: %s', async ([, bytes, text]) => {
    expect((await unpacked(bytes, chunkBytes)) === text).toBe(true);
  });

  it('is refused if something else follows, or if its end is missing', async () => {
    expect(await unpacked(Buffer.concat([first, Buffer.from('\\! id\n')]), chunkBytes)).toContain('something else');
    for (const cut of [1, 5]) expect(await unpacked(second.subarray(0, -cut), chunkBytes)).toContain('unexpected end');
  });
});
