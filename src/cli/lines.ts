import { once } from 'node:events';
import { StringDecoder } from 'node:string_decoder';
import type { OutputStream } from './terminal.ts';

/**
 * The lines of a stream of UTF-8, each as soon as it is complete, without their ends (LF or CRLF); the last one may lack
 * its end. Of a line that is longer than `longest` the beginning is kept, one unit more than that.
 */
export async function* linesOf(stream: AsyncIterable<Uint8Array | string>, longest: number): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let pieces: string[] = [];
  let length = 0;
  const keep = (piece: string) => {
    if (length <= longest) pieces.push(piece.slice(0, longest + 1 - length));
    length += piece.length;
  };
  const whole = () => {
    const line = pieces.join('');
    pieces = [];
    length = 0;
    return line.endsWith('\r') ? line.slice(0, -1) : line;
  };
  for await (const chunk of stream) {
    const text = typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk));
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      keep(text.slice(start, end));
      start = end + 1;
      yield whole();
    }
    keep(text.slice(start));
  }
  keep(decoder.end());
  if (length > 0) yield whole();
}

/** Waits while a slow reader has not taken what was written. Returns whether it is still there. */
export async function hasReader(stream: OutputStream): Promise<boolean> {
  if (stream.writableNeedDrain) await once(stream, 'drain').catch(() => undefined);
  return !stream.destroyed;
}
