import type { LogLine } from '../../../host/docker/types.ts';

/** Log lines of a server that ran out of memory. Texts: docs/engineering/memory.md#oom-signals. */
export type Sign =
  /** A backend or another child was killed by signal 9, from the kernel or a user. */
  | 'child-killed'
  /** The startup process that replays WAL was killed: the server exits, and fails the same way at the next start. */
  | 'startup-killed'
  /** WAL replay has begun. The kernel may kill the container's first process instead, which logs nothing. */
  | 'recovering'
  /** The server needs more shared memory than the machine has. */
  | 'start-refused'
  /** `/dev/shm` is full, not a disk. */
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

/**
 * Whether the first process of the container wrote the line, by the default `log_line_prefix`. A message of several lines cannot
 * imitate it, since a tab begins each further line.
 */
export function isOfFirstProcess(line: string): boolean {
  return /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? \S+ \[1\] /.test(line);
}

export interface SignLine extends LogLine {
  readonly sign: Sign;
}

/** A standby accepts read-only connections. */
export function saysReady(line: string): boolean {
  return /database system is ready to accept (?:read-only )?connections/.test(line);
}

/** The lines that match; `sinceReady`: only those after the server was last ready. */
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
