/** Whether `npm run test:soak` runs: with every case, and every point of a crash. */
export const soak = process.env['PROBLEMS_SOAK'] === '1';

/** Some of what soak takes all of: every third. */
export function someOf<T>(all: readonly T[]): readonly T[] {
  return soak ? all : all.filter((_, index) => index % 3 === 0);
}

/** The first of several cases of one behaviour; soak takes all of them. */
export function oneOf<T>(all: readonly T[]): readonly T[] {
  return soak ? all : all.slice(0, 1);
}

/** Runs of a property that is slow: `few`, and ten times as many in soak. */
export function runsOf(few: number): number {
  return soak ? 10 * few : few;
}
