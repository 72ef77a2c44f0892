import { globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { bundleOptions } from '../build/options.ts';
import { root } from './programs.ts';

/**
 * Before the first test: bundles the command line and the programs that tests start, since a process that loads 200 sources
 * one by one takes twice as long. Each run makes its own bundles, from the sources as they are.
 */
export async function setup(): Promise<void> {
  const caches = join(root, 'node_modules/.cache');
  mkdirSync(caches, { recursive: true });
  const folder = mkdtempSync(join(caches, 'programs-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const sources = ['src/cli/bin.ts', ...globSync('test/!(lab)/**/*child.ts', { cwd: root })];
  const input = Object.fromEntries(sources.map((source) => [source.replace(/\.ts$/, ''), join(root, source)]));
  const build = await rolldown({ ...bundleOptions(root), input });
  await build.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
  });
  await build.close();
  process.env['TEST_PROGRAMS'] = folder;
}
