import type { HelperResult, LogLine } from './types.ts';

/**
 * The multiplexed streams of the Docker Engine (attach, exec and logs of a container without a terminal): frames of
 * `[stream, 0, 0, 0, size as 4 bytes, big-endian]` and as many bytes.
 */
export interface Frame {
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Buffer;
}

const headerBytes = 8;

/**
 * Returns a function that takes the bytes of a stream as they arrive, and calls `onPart` with what they hold. A frame
 * that arrives in one chunk is one part; one that is spread over chunks is several.
 */
function frameDecoder(onPart: (part: Frame) => void): (chunk: Buffer) => void {
  let header = Buffer.alloc(0);
  let stream: Frame['stream'] = 'stdout';
  let remaining = 0;
  return (chunk) => {
    let rest = chunk;
    while (rest.length > 0) {
      if (remaining === 0) {
        const missing = headerBytes - header.length;
        header = Buffer.concat([header, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (header.length < headerBytes) return;
        stream = header[0] === 2 ? 'stderr' : 'stdout';
        remaining = header.readUInt32BE(4);
        header = Buffer.alloc(0);
      }
      const bytes = rest.subarray(0, remaining);
      if (bytes.length > 0) onPart({ stream, bytes });
      remaining -= bytes.length;
      rest = rest.subarray(bytes.length);
    }
  };
}

export type Output = Omit<HelperResult, 'exitCode'>;

/** Decodes a stream and keeps the first `maxBytes` of stdout and of stderr. */
export function outputCollector(maxBytes: number): {
  readonly take: (chunk: Buffer) => void;
  readonly result: () => Output;
} {
  const kept: { readonly stdout: Buffer[]; readonly stderr: Buffer[] } = { stdout: [], stderr: [] };
  const room = { stdout: maxBytes, stderr: maxBytes };
  let truncated = false;
  return {
    take: frameDecoder(({ stream, bytes }) => {
      if (bytes.length > room[stream]) truncated = true;
      const fitting = bytes.subarray(0, room[stream]);
      kept[stream].push(fitting);
      room[stream] -= fitting.length;
    }),
    result: () => ({
      stdout: Buffer.concat(kept.stdout).toString(),
      stderr: Buffer.concat(kept.stderr).toString(),
      truncated,
    }),
  };
}

/**
 * The newest lines of a container's log that fit into `maxBytes`, oldest first. A container with a terminal sends plain
 * text instead of frames. Older frames and lines are dropped whole: the rest of one would have no time.
 */
export function logLines(body: Buffer, maxBytes: number): readonly LogLine[] {
  if (!isHeader(body)) {
    const bytes = body.subarray(-maxBytes);
    const start = bytes.length < body.length ? bytes.indexOf('\n') + 1 : 0;
    return linesOf({ stream: 'stdout', bytes: bytes.subarray(start) });
  }
  const frames: Frame[] = [];
  frameDecoder((frame) => frames.push(frame))(body);
  let room = maxBytes;
  let first = frames.length;
  while (first > 0) {
    room -= headerBytes + (frames[first - 1]?.bytes.length ?? 0);
    if (room < 0) break;
    first -= 1;
  }
  return frames.slice(first).flatMap(linesOf);
}

function isHeader(body: Buffer): boolean {
  return body.length >= headerBytes && (body[0] ?? 9) <= 2 && body[1] === 0 && body[2] === 0 && body[3] === 0;
}

function linesOf({ stream, bytes }: Frame): readonly LogLine[] {
  return bytes
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => logLine(stream, line));
}

function logLine(stream: LogLine['stream'], line: string): LogLine {
  const time = /^\d{4}-\d\d-\d\dT\S+Z /.exec(line)?.[0] ?? '';
  return { at: time.trimEnd(), stream, text: line.slice(time.length).replace(/\r$/, '') };
}
