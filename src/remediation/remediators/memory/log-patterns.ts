import type { LogLine } from '../../../host/docker/types.ts';

/** What a server says when memory ran out. Texts: docs/engineering/memory.md#oom-signals. */
export type Sign =
  /** A backend or another child, by signal 9: of the kernel, or of a person. */
  | 'child-killed'
  /** The process that replays WAL: the server ends, and its next start meets the same wall. */
  | 'startup-killed'
  /** Replay of WAL has begun. The kernel may take the first process of the container instead: then nobody has a last word. */
  | 'recovering'
  /** More shared memory is asked for than the machine has. */
  | 'start-refused'
  /** `/dev/shm`, not a disk. */
  | 'shm-full';

const texts: readonly (readonly [Sign, RegExp])[] = [
  ['startup-killed', /LOG: {1,2}(?:\w{5}: )?startup process \(PID \d+\) was terminated by signal 9\b/],
  ['child-killed', /LOG: {1,2}(?:\w{5}: )?[a-z ]+ \(PID \d+\) was terminated by signal 9\b/],
  ['recovering', /LOG: {1,2}(?:\w{5}: )?redo starts at /],
  ['start-refused', /FATAL: {1,2}(?:\w{5}: )?could not map anonymous shared memory: Cannot allocate memory/],
  ['shm-full', /could not resize shared memory segment ".*" to \d+ bytes: No space left on device/],
];

export function signOf(line: string): Sign | undefined {
  return texts.find(([, text]) => text.test(line))?.[0];
}

export interface SignLine extends LogLine {
  readonly sign: Sign;
}

/** A standby takes read-only connections. */
export function saysReady(line: string): boolean {
  return /database system is ready to accept (?:read-only )?connections/.test(line);
}

/** The lines that are signs; `sinceReady`: only those after the server last was ready. */
export function signsIn(
  lines: readonly LogLine[],
  { sinceReady = false }: { readonly sinceReady?: boolean } = {},
): readonly SignLine[] {
  const ready = sinceReady ? lines.findLastIndex(({ text }) => saysReady(text)) : -1;
  return lines.slice(ready + 1).flatMap((line) => {
    const sign = signOf(line.text);
    return sign === undefined ? [] : [{ ...line, sign }];
  });
}
