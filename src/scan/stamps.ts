import type { Stats } from 'node:fs';

/**
 * What tells that a file or folder is still the one that was seen: inode, size, modification and change time. Times are
 * milliseconds with a fraction; a double holds them to a quarter of a microsecond, finer than any file system's clock.
 * No program can set the change time, so a file swapped for one of the same size and modification time is noticed.
 */
export type Stamp = readonly [inode: number, size: number, modified: number, changed: number];

export const stampLength = 4;

/** Equal to no stamp, not even to itself. */
export const noStamp: Stamp = [NaN, NaN, NaN, NaN];

/**
 * Something that changed so lately could change again within the same tick of the file system's clock and look the
 * same. The coarsest clock in use, that of FAT, ticks every two seconds.
 */
const settleTime = 2000;

/**
 * @param since When the scan began, in milliseconds: the stamp is taken after that, and what it stands for is read later.
 * @param device The device of the scanned root. Another one may be a network's, whose clock and stamps are unknown.
 */
export function stampOf(stats: Stats, since: number, device: number): Stamp {
  const isSettled = stats.mtimeMs < since - settleTime && stats.ctimeMs < since - settleTime;
  return isSettled && stats.dev === device ? [stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs] : noStamp;
}

/** Of what is not there: any change makes it be there. */
export const absentStamp: Stamp = [0, 0, 0, 0];

export function hasStamp(numbers: ArrayLike<number>, at: number, stats: Stats): boolean {
  return (
    numbers[at + 3] === stats.ctimeMs &&
    numbers[at + 2] === stats.mtimeMs &&
    numbers[at + 1] === stats.size &&
    numbers[at] === stats.ino
  );
}

export function stampAt(numbers: ArrayLike<number>, at: number): Stamp {
  const number = (index: number): number => numbers[at + index] ?? NaN;
  return [number(0), number(1), number(2), number(3)];
}
