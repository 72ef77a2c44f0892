import type { Stamp } from './stamps.ts';

/**
 * Which files stand where, and the stamp of each; undefined where one has none. A stamp is taken before its file is read:
 * what changes in between has another stamp in the next scan.
 */
export function fingerprintOf(
  files: readonly { readonly path: string; readonly file: string }[],
  stamps: ReadonlyMap<string, Stamp>,
): string | undefined {
  const parts = files.map(({ path, file }) => ({ path, file, stamp: stamps.get(file) ?? [Number.NaN] }));
  if (parts.some(({ stamp }) => stamp.some(Number.isNaN))) return undefined;
  return JSON.stringify(parts.map(({ path, file, stamp }) => [path, file, ...stamp]));
}
