import type { LogLine } from './docker/types.ts';

interface Frame {
  readonly stream: LogLine['stream'];
  readonly text: Buffer;
}

const headerBytes = 8;

/**
 * The lines of a container's log, the newest of them up to a number of bytes. Docker sends frames of
 * `[stream, 0, 0, 0, size as 4 bytes]`; a container with a terminal sends plain text instead. What does not
 * fit is left out by whole frames and lines from the beginning: a part of one has no time, and no header to go on by.
 */
export function logLines(body: Buffer, maxBytes: number): readonly LogLine[] {
  if (!isHeader(body, 0)) {
    const text = body.subarray(-maxBytes);
    const start = text.length < body.length ? text.indexOf('\n') + 1 : 0;
    return linesOf({ stream: 'stdout', text: text.subarray(start) });
  }
  const frames = framesOf(body);
  let room = maxBytes;
  let first = frames.length;
  while (first > 0) {
    room -= headerBytes + (frames[first - 1]?.text.length ?? 0);
    if (room < 0) break;
    first -= 1;
  }
  return frames.slice(first).flatMap(linesOf);
}

function framesOf(body: Buffer): readonly Frame[] {
  const frames: Frame[] = [];
  let offset = 0;
  while (offset + headerBytes <= body.length) {
    const end = offset + headerBytes + body.readUInt32BE(offset + 4);
    frames.push({ stream: body[offset] === 2 ? 'stderr' : 'stdout', text: body.subarray(offset + headerBytes, end) });
    offset = end;
  }
  return frames;
}

function isHeader(body: Buffer, offset: number): boolean {
  return (
    body.length >= offset + headerBytes &&
    (body[offset] ?? 9) <= 2 &&
    body[offset + 1] === 0 &&
    body[offset + 2] === 0 &&
    body[offset + 3] === 0
  );
}

function linesOf({ stream, text }: Frame): readonly LogLine[] {
  return text
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => logLine(stream, line));
}

function logLine(stream: LogLine['stream'], line: string): LogLine {
  const stamp = /^\d{4}-\d\d-\d\dT\S+Z /.exec(line)?.[0] ?? '';
  return { at: stamp.trimEnd(), stream, text: line.slice(stamp.length).replace(/\r$/, '') };
}
