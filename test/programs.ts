import { join } from 'node:path';

export const root = join(import.meta.dirname, '..');

/** A program that tests start, by its source below the root: the bundle of it, or the source itself in tiers that bundle nothing. */
export function programFile(source: string): string {
  const folder = process.env['TEST_PROGRAMS'];
  return folder === undefined ? join(root, source) : join(folder, source.replace(/\.ts$/, '.js'));
}
