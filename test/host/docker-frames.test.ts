import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logLines, outputCollector } from '../../src/host/docker/frames.ts';

const time = '2026-11-28T10:00:00.000000001Z';

/** As the engine sends a message of a container without a terminal. */
function frame(stream: 1 | 2, text: string): Buffer {
  const body = Buffer.from(text);
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(body.length, 4);
  return Buffer.concat([header, body]);
}

describe('outputCollector', () => {
  it('separates stdout from stderr, wherever the chunks are cut', () => {
    const message = fc.record({
      stream: fc.constantFrom(1 as const, 2 as const),
      text: fc.string({ unit: 'grapheme' }),
    });
    fc.assert(
      fc.property(fc.array(message), fc.array(fc.integer({ min: 1, max: 20 })), (messages, sizes) => {
        const { take, result } = outputCollector(2 ** 20);
        let rest = Buffer.concat(messages.map(({ stream, text }) => frame(stream, text)));
        for (let turn = 0; rest.length > 0; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 7;
          take(rest.subarray(0, size));
          rest = rest.subarray(size);
        }
        const of = (wanted: 1 | 2) => messages.map(({ stream, text }) => (stream === wanted ? text : '')).join('');
        expect(result()).toEqual({ stdout: of(1), stderr: of(2), truncated: false });
      }),
    );
  });

  it('keeps the beginning of each stream up to the limit, and reports that it dropped the rest', () => {
    const { take, result } = outputCollector(4);
    take(Buffer.concat([frame(1, 'abc'), frame(2, 'four'), frame(1, 'defg'), frame(1, 'h')]));
    expect(result()).toEqual({ stdout: 'abcd', stderr: 'four', truncated: true });
  });
});

describe('logLines', () => {
  it('reads frames with their stream and time', () => {
    const body = Buffer.concat([frame(1, `${time} said\r\n`), frame(2, `${time} warned\n`)]);
    expect(logLines(body, 1_000)).toEqual([
      { at: time, stream: 'stdout', text: 'said' },
      { at: time, stream: 'stderr', text: 'warned' },
    ]);
  });

  it('keeps the newest frames that fit, and only whole ones, at every limit', () => {
    const frames = Array.from({ length: 50 }, (_, number) =>
      frame(2, `${time} line ${number} ${'é\u0001'.repeat(number)}\n`),
    );
    const body = Buffer.concat(frames);
    for (let limit = 0; limit <= body.length; limit += 7) {
      const lines = logLines(body, limit);
      const whole = frames.slice(frames.length - lines.length);
      expect(lines.every(({ at, stream }) => at === time && stream === 'stderr')).toBe(true);
      expect(lines.map(({ text }) => text.split(' ')[1])).toEqual(
        Array.from({ length: lines.length }, (_, place) => String(50 - lines.length + place)),
      );
      // One more would be too much.
      const size = whole.reduce((sum, { length }) => sum + length, 0);
      expect(size).toBeLessThanOrEqual(limit);
      expect(size + (frames.at(-lines.length - 1)?.length ?? Infinity)).toBeGreaterThan(limit);
    }
  });

  it('reads the plain text of a container with a terminal, from the beginning of a line', () => {
    const body = Buffer.from(Array.from({ length: 9 }, (_, number) => `${time} line ${number}\r\n`).join(''));
    expect(logLines(body, 10_000)).toHaveLength(9);
    expect(logLines(body, 100).map(({ at, text }) => `${at} ${text}`)).toEqual([`${time} line 7`, `${time} line 8`]);
    expect(logLines(Buffer.alloc(0), 100)).toEqual([]);
  });
});
