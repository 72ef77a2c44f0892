import { Transform } from 'node:stream';

/** The fields of a frame whose lengths say where it ends (RFC 8878, 3.1). */
type Field = 'magic' | 'skipped-size' | 'skipped' | 'descriptor' | 'header' | 'block-header' | 'block' | 'checksum';

const dictionaryBytes = [0, 1, 2, 4] as const;

/**
 * Passes on zstd so that each frame begins a chunk, and leaves out frames without content. The decompressor of Node.js drops what
 * follows a frame in the same chunk, where `zstd -d` goes on: pzstd writes many frames, and `cat` may join two files.
 */
export function zstdFrames(): Transform {
  let field: Field = 'magic';
  let left = 4;
  let kept = Buffer.alloc(0);
  let isLastBlock = false;
  let hasChecksum = false;

  function next(to: Field, bytes: number): void {
    field = to;
    left = bytes;
    kept = Buffer.alloc(0);
  }

  /** A field is complete. Returns whether the frame is. */
  function complete(): boolean {
    switch (field) {
      case 'magic': {
        const magic = kept.readUInt32LE();
        if (magic === 0xfd2fb528) next('descriptor', 1);
        else if (magic >>> 4 === 0x0184d2a5) next('skipped-size', 4);
        else throw new Error('it has something else after a zstd frame');
        return false;
      }
      case 'skipped-size':
        next('skipped', kept.readUInt32LE());
        return left === 0 && complete();
      case 'descriptor': {
        const [flags = 0] = kept;
        const isSingle = (flags & 0x20) !== 0;
        hasChecksum = (flags & 4) !== 0;
        const content = flags >> 6 === 0 ? (isSingle ? 1 : 0) : 1 << (flags >> 6);
        next('header', (isSingle ? 0 : 1) + (dictionaryBytes[flags & 3] ?? 0) + content);
        return left === 0 && complete();
      }
      case 'block-header': {
        const header = kept.readUIntLE(0, 3);
        isLastBlock = (header & 1) === 1;
        const isRepeated = ((header >> 1) & 3) === 1;
        next('block', isRepeated ? 1 : header >> 3);
        return left === 0 && complete();
      }
      case 'header':
      case 'block':
        if (field === 'header' || !isLastBlock) next('block-header', 3);
        else if (hasChecksum) next('checksum', 4);
        else return end();
        return false;
      case 'skipped':
      case 'checksum':
        return end();
    }
  }

  function end(): boolean {
    next('magic', 4);
    return true;
  }

  function isKept(): boolean {
    return field === 'magic' || field === 'skipped-size' || field === 'descriptor' || field === 'block-header';
  }

  function isPassedOn(): boolean {
    return field !== 'magic' && !field.startsWith('skipped');
  }

  function split(chunk: Buffer, stream: Transform): void {
    let from = 0;
    for (let at = 0; at < chunk.length;) {
      const taken = Math.min(left, chunk.length - at);
      if (isKept()) kept = Buffer.concat([kept, chunk.subarray(at, at + taken)]);
      at += taken;
      left -= taken;
      if (left > 0) break;
      const [wasMagic, wasPassedOn, magic] = [field === 'magic', isPassedOn(), kept];
      const isOver = complete();
      // Only now is it known whether these four bytes begin a frame with content.
      if (wasMagic && isPassedOn()) stream.push(magic);
      if (isOver && wasPassedOn) stream.push(chunk.subarray(from, at));
      if (isOver || wasMagic) from = at;
    }
    if (isPassedOn() && from < chunk.length) stream.push(chunk.subarray(from));
  }

  return new Transform({
    transform(chunk: Buffer, _, done) {
      try {
        split(chunk, this);
        done();
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
    flush(done) {
      done(field === 'magic' && kept.length === 0 ? null : new Error('unexpected end of file'));
    },
  });
}
