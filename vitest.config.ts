import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { testTimes } from './build/test-times.ts';

/** The folder where `.ci/run` reads the numbers of tests from: a file for each run of vitest. */
const results = process.env['TEST_RESULTS'];

/** Tests of what `npm run build` and `npm pack` make. */
const ofPackage = ['test/package/{command,exports,licences,loading,release,sbom,service-examples,tarball}.test.ts'];
/** For this run. Tests read and write no state of the user who runs them. */
const state = mkdtempSync(join(tmpdir(), 'problems-test-state-'));
process.once('exit', () => rmSync(state, { recursive: true, force: true }));
const env = {
  // Programs that tests start load in half the time.
  NODE_COMPILE_CACHE: join(state, 'compiled'),
  XDG_STATE_HOME: state,
  // Each project of a test has its own state, though all use one engine.
  PROBLEMS_STATE: '.problems/state.db',
};
/** Examples import the package by its name; without a build that means the sources. */
const sources = {
  alias: Object.entries({
    '': 'index.ts',
    '/remediation': 'app/remediation.ts',
    '/swarm': 'app/swarm.ts',
    '/testing': 'testing/index.ts',
  }).map(([entry, file]) => ({
    find: new RegExp(`^problem-registry${entry}$`),
    replacement: join(import.meta.dirname, 'src', file),
  })),
};
/** Where no engine is, so that a test that needs one fails everywhere and not only on machines without Docker. */
const withoutEngine = { ...env, DOCKER_HOST: 'unix:///nonexistent/docker.sock' };
const lab = { env, testTimeout: 300_000, hookTimeout: 300_000 };

/**
 * The tiers. `unit` needs nothing but `npm ci`; `soak` is the same with many more runs of each property; `package` needs
 * `dist/`, `page` Chromium as well; the others need Docker. test/lab/cli.ts starts those, `lab-own-network` in a network namespace of its own.
 */
export default defineConfig({
  test: {
    reporters:
      results === undefined
        ? ['default']
        : [
            'default',
            ['json', { outputFile: `${results}/${process.pid}.json` }],
            testTimes(join(results, 'times.txt')),
          ],
    projects: [
      {
        resolve: sources,
        test: {
          env: withoutEngine,
          name: 'unit',
          globalSetup: ['test/bundle-programs.ts'],
          include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
          exclude: ['test/lab/**', 'test/page/**', ...ofPackage],
          // The files of a worker share what they import: loading it again for each file takes half of the time.
          isolate: false,
          // Half of the time of a worker goes by while it waits for other processes and for timers.
          maxWorkers: 1 + availableParallelism(),
          // Tests that wait for another process must not fail on a busy machine.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          env: { ...withoutEngine, PROBLEMS_SOAK: '1' },
          name: 'soak',
          globalSetup: ['test/bundle-programs.ts'],
          include: ['test/**/*.test.ts'],
          exclude: ['test/lab/**', 'test/package/**', 'test/page/**'],
          setupFiles: ['build/soak.ts'],
          testTimeout: 900_000,
        },
      },
      { test: { env, name: 'package', include: ofPackage, testTimeout: 120_000, hookTimeout: 120_000 } },
      { test: { env, name: 'page', include: ['test/page/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 } },
      {
        resolve: sources,
        test: {
          ...lab,
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          globalSetup: ['test/lab/helper-watch.ts'],
          exclude: ['test/lab/own-network/**'],
          // Three files at a time, and two tests of each. A file that runs alone uses about half of a core, since its tests
          // wait for containers to start and stop. With more, servers on two cores become too slow to answer in time.
          maxWorkers: 3,
          maxConcurrency: 2,
          isolate: false,
          // A server on a busy machine is now and then too slow for a test. The summary of `.ci/run` names such a test.
          retry: 1,
        },
      },
      { test: { ...lab, name: 'lab-own-network', include: ['test/lab/own-network/*.test.ts'] } },
    ],
  },
});
