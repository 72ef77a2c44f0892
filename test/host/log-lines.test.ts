import { describe, expect, it } from 'vitest';
import { logLines } from '../../src/host/docker/client.ts';

const time = '2026-11-28T10:00:00.000000001Z';

/** As the engine sends a message of a container without a terminal. */
function frame(stream: 1 | 2, text: string): Buffer {
  const body = Buffer.from(text);
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(body.length, 4);
  return Buffer.concat([header, body]);
}

describe('the lines of a log', () => {
  it('come from frames, with stream and time', () => {
    const body = Buffer.concat([frame(1, `${time} said\r\n`), frame(2, `${time} warned\n`)]);
    expect(logLines(body, 1_000)).toEqual([
      { at: time, stream: 'stdout', text: 'said' },
      { at: time, stream: 'stderr', text: 'warned' },
    ]);
  });

  it('are the newest that fit, by whole frames, wherever the bound falls', () => {
    const frames = Array.from({ length: 50 }, (_, number) =>
      frame(2, `${time} line ${number} ${'é\u0001'.repeat(number)}\n`),
    );
    const body = Buffer.concat(frames);
    for (let bound = 0; bound <= body.length; bound += 7) {
      const lines = logLines(body, bound);
      const whole = frames.slice(frames.length - lines.length);
      expect(lines.every(({ at, stream }) => at === time && stream === 'stderr')).toBe(true);
      expect(lines.map(({ text }) => text.split(' ')[1])).toEqual(
        Array.from({ length: lines.length }, (_, place) => String(50 - lines.length + place)),
      );
      // One more would be too much.
      const size = whole.reduce((sum, { length }) => sum + length, 0);
      expect(size).toBeLessThanOrEqual(bound);
      expect(size + (frames.at(-lines.length - 1)?.length ?? Infinity)).toBeGreaterThan(bound);
    }
  });

  it('of a container with a terminal are plain text, and begin with a whole one', () => {
    const body = Buffer.from(Array.from({ length: 9 }, (_, number) => `${time} line ${number}\r\n`).join(''));
    expect(logLines(body, 10_000)).toHaveLength(9);
    expect(logLines(body, 100).map(({ at, text }) => `${at} ${text}`)).toEqual([`${time} line 7`, `${time} line 8`]);
    expect(logLines(Buffer.alloc(0), 100)).toEqual([]);
  });
});
