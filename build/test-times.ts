import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Reporter } from 'vitest/node';

/** How many of the slowest files are named. */
const mostFiles = 70;

/**
 * Appends to `file` what the summary of `.ci/run` says of a run of tests: the files that took longest, and every test that
 * failed and passed when it was run again.
 */
export function testTimes(file: string): Reporter {
  return {
    onTestRunEnd(modules) {
      const times = modules
        .map((module) => ({
          name: relative(process.cwd(), module.moduleId),
          seconds: Math.round(module.diagnostic().duration / 1000),
        }))
        .filter(({ seconds }) => seconds >= 10)
        .toSorted((a, b) => b.seconds - a.seconds)
        .slice(0, mostFiles);
      const flaky = modules.flatMap((module) =>
        [...module.children.allTests()]
          .filter((test) => test.diagnostic()?.flaky === true)
          .map((test) => `passed when run again: ${relative(process.cwd(), module.moduleId)}: ${test.fullName}`),
      );
      const lines = [...times.map(({ name, seconds }) => `${seconds} s  ${name}`), ...flaky];
      if (lines.length > 0) appendFileSync(file, `${lines.join('\n')}\n`);
    },
  };
}
