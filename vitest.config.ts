import { defineConfig } from 'vitest/config';

/** The folder where `.ci/run` reads the numbers of tests from: a file for each run of vitest. */
const results = process.env['TEST_RESULTS'];

/**
 * `unit` needs nothing; `soak` is the same with many more runs of each property; `lab` needs Docker;
 * `lab-own-network` is started by test/lab/cli.ts in a network namespace of its own.
 */
export default defineConfig({
  test: {
    reporters:
      results === undefined ? ['default'] : ['default', ['json', { outputFile: `${results}/${process.pid}.json` }]],
    projects: [
      { test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/lab/**'] } },
      {
        test: {
          name: 'soak',
          include: ['test/**/*.test.ts'],
          exclude: ['test/lab/**', 'test/package/**'],
          setupFiles: ['build/soak.ts'],
          testTimeout: 900_000,
        },
      },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          exclude: ['test/lab/own-network/**'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          name: 'lab-own-network',
          include: ['test/lab/own-network/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
