import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { describe, expect, it } from 'vitest';
import { floors } from '../../build/lint/import-table.ts';

const src = join(import.meta.dirname, '../../src');
const files = globSync('**/*.ts', { cwd: src }).sort();

/** Every import, export-from and dynamic import of one of our own files; type imports count too. */
function importsOf(file: string): readonly string[] {
  const text = readFileSync(join(src, file), 'utf8');
  return [...text.matchAll(/(?:\bfrom|\bimport\(|^import)\s*'(\.[^']+\.ts)'/gm)].map(([, path = '']) =>
    join(dirname(file), path),
  );
}

const graph = new Map(files.map((file) => [file, importsOf(file)]));

/** The longest matching entry decides, so that a file may have a different floor from its folder. */
function floorOf(file: string): number {
  const matches = floors.flatMap((entries, floor) =>
    entries
      .filter((entry) => (entry.endsWith('/') ? file.startsWith(entry) : file === entry))
      .map((entry) => ({ floor, length: entry.length })),
  );
  return matches.sort((a, b) => b.length - a.length)[0]?.floor ?? -1;
}

/** A chain of imports that leads back to its first file, or undefined. */
function circleFrom(start: string): readonly string[] | undefined {
  const seen = new Set<string>();
  const ways = [[start]];
  for (let way = ways.pop(); way !== undefined; way = ways.pop()) {
    for (const next of graph.get(way.at(-1) ?? '') ?? []) {
      if (next === start) return [...way, next];
      if (!seen.has(next)) ways.push([...way, next]);
      seen.add(next);
    }
  }
  return undefined;
}

describe('the files of src', () => {
  it('import only files that exist', () => {
    const missing = [...graph].flatMap(([file, imports]) =>
      imports.filter((path) => !graph.has(path)).map((path) => `${file} -> ${path}`),
    );
    expect(missing).toEqual([]);
  });

  it('never import each other in a circle, type imports included', () => {
    expect(files.flatMap((file) => [circleFrom(file)?.join(' -> ') ?? []].flat())).toEqual([]);
  });

  it('each belong to a floor', () => {
    expect(files.filter((file) => floorOf(file) === -1)).toEqual([]);
  });

  it('import nothing from a floor above their own, type imports included', () => {
    const upward = [...graph].flatMap(([file, imports]) =>
      imports.filter((path) => floorOf(path) > floorOf(file)).map((path) => `${file} -> ${path}`),
    );
    expect(upward).toEqual([]);
  });
});
