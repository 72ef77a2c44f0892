import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { usualCacheFolder } from '../../src/scan/cache.ts';
import { createEntry, decodeTable, encodeTable, hasStamp, noStamp, stampOf } from '../../src/scan/folder-table.ts';
import { scanAll, type ScanOptions } from '../../src/scan/scan.ts';
import { emptyFolder, found, record, tree, write } from './tree.ts';

const registry = record('r');

const prose = 'x'.repeat(registry.length);

/** The same scan with the cache and without. */
async function both(root: string, cache: string, options: ScanOptions = {}) {
  return {
    cached: await scanAll(['.'], { cwd: root, cache, ...options }),
    plain: await scanAll(['.'], { cwd: root, ...options }),
  };
}

async function paths(root: string, cache: string, options: ScanOptions = {}): Promise<string[]> {
  const { cached, plain } = await both(root, cache, options);
  expect(cached).toEqual(plain);
  return cached.registries.map(({ path }) => path);
}

function tableIn(cache: string): string {
  return join(cache, readdirSync(cache)[0] ?? 'no table');
}

/** Longer than a tick of the file system's clock, so that what follows has a stamp of its own. */
function nextTick(): Promise<void> {
  return setTimeout(20);
}

describe('a stamp', () => {
  it('is none for what changed less than two seconds before the scan, or stands on another device', () => {
    const stats = statSync(join(tree({ file: '' }), 'file'));
    const { ino, size, mtimeMs, ctimeMs, dev } = stats;
    expect(stampOf(stats, ctimeMs + 1999, dev)).toEqual(noStamp);
    expect(stampOf(stats, ctimeMs + 60_000, dev + 1)).toEqual(noStamp);
    expect(stampOf(stats, ctimeMs + 2001, dev)).toEqual([ino, size, mtimeMs, ctimeMs]);
    expect(hasStamp(noStamp, 0, stats)).toBe(false);
  });
});

describe('right after a change', () => {
  it('nothing is taken from the cache: a change of the same size and time is seen', async () => {
    const cache = emptyFolder();
    const root = tree({ 'a/PROBLEMS.md': prose });
    const file = join(root, 'a/PROBLEMS.md');
    utimesSync(file, 1e9, 1e9);
    expect(await paths(root, cache)).toEqual([]);
    writeFileSync(file, registry);
    utimesSync(file, 1e9, 1e9);
    expect(await paths(root, cache)).toEqual(['a/PROBLEMS.md']);
  });
});

describe('long after the last change', () => {
  // Nobody can set back the time at which a file changed, so the clock goes ahead instead.
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 }));
  afterEach(() => void vi.useRealTimers());

  it('what the cache says of an unchanged file is taken for granted', async () => {
    const cache = emptyFolder();
    const root = tree({ 'a/PROBLEMS.md': registry });
    expect(await paths(root, cache)).toEqual(['a/PROBLEMS.md']);
    const file = tableIn(cache);
    const about = /"about":("(?:[^"\\]|\\.)*")/.exec(readFileSync(file, 'latin1'))?.[1] ?? '""';
    const table = decodeTable(JSON.parse(about), readFileSync(file)) ?? new Map();
    expect([...table.keys()]).toEqual(['', 'a']);
    const entry = table.get('a');
    const numbers = Array.from({ length: 9 }, (_, index) => entry.numbers[entry.at + index] as number);
    expect(numbers.at(-1)).toBe(1);
    numbers[8] = 0;
    writeFileSync(file, encodeTable(JSON.parse(about), new Map([...table, ['a', { ...entry, numbers, at: 0 }]])));
    const { cached, plain } = await both(root, cache);
    expect(cached.registries).toHaveLength(0);
    expect(plain.registries).toHaveLength(1);
  });

  it('an unchanged tree leaves the cache as it is', async () => {
    const cache = emptyFolder();
    const root = tree({ 'a/PROBLEMS.md': registry, 'b/x': '' });
    await paths(root, cache);
    const before = statSync(tableIn(cache)).ino;
    await paths(root, cache);
    expect(statSync(tableIn(cache)).ino).toBe(before);
  });

  it('an edit in place of the same size with its old modification time is seen', async () => {
    const cache = emptyFolder();
    const root = tree({ 'a/PROBLEMS.md': prose });
    const file = join(root, 'a/PROBLEMS.md');
    utimesSync(file, 1e9, 1e9);
    await paths(root, cache);
    await nextTick();
    writeFileSync(file, registry);
    utimesSync(file, 1e9, 1e9);
    expect(await paths(root, cache)).toEqual(['a/PROBLEMS.md']);
  });

  it('a file put in place of another of the same size and time is seen, and so is a folder', async () => {
    const cache = emptyFolder();
    const root = tree({
      'a/PROBLEMS.md': prose,
      'spare/other.md': registry,
      'out/b/PROBLEMS.md': registry,
      'b/PROBLEMS.md': prose,
    });
    for (const path of ['a/PROBLEMS.md', 'spare/other.md', 'b/PROBLEMS.md', 'out/b/PROBLEMS.md', 'out/b', 'b'])
      utimesSync(join(root, path), 1e9, 1e9);
    const options = { ignore: ['out'] };
    expect(await paths(root, cache, options)).toEqual([]);
    await nextTick();
    renameSync(join(root, 'spare/other.md'), join(root, 'a/PROBLEMS.md'));
    rmSync(join(root, 'b'), { recursive: true });
    renameSync(join(root, 'out/b'), join(root, 'b'));
    expect(await paths(root, cache, options)).toEqual(['a/PROBLEMS.md', 'b/PROBLEMS.md']);
  });

  it('ignore files that come, go or change are seen, wherever they stand', async () => {
    const cache = emptyFolder();
    const outer = tree({
      '.git/HEAD': '',
      'root/.gitignore': 'a\n',
      'root/a/PROBLEMS.md': registry,
      'root/b/c/PROBLEMS.md': registry,
      'root/d/.git/HEAD': '',
      'root/d/x/PROBLEMS.md': registry,
    });
    const root = join(outer, 'root');
    expect(await paths(root, cache)).toEqual(['b/c/PROBLEMS.md', 'd/x/PROBLEMS.md']);
    const changes: readonly (readonly [path: string, text: string | undefined, expected: readonly string[]])[] = [
      ['root/.gitignore', 'b\n', ['a/PROBLEMS.md', 'd/x/PROBLEMS.md']],
      ['root/.gitignore', '#\n', ['a/PROBLEMS.md', 'b/c/PROBLEMS.md', 'd/x/PROBLEMS.md']],
      ['root/b/.ignore', 'c\n', ['a/PROBLEMS.md', 'd/x/PROBLEMS.md']],
      ['root/b/.ignore', undefined, ['a/PROBLEMS.md', 'b/c/PROBLEMS.md', 'd/x/PROBLEMS.md']],
      ['root/d/.git/info/exclude', 'x\n', ['a/PROBLEMS.md', 'b/c/PROBLEMS.md']],
      ['root/d/.git/info/exclude', 'y\n', ['a/PROBLEMS.md', 'b/c/PROBLEMS.md', 'd/x/PROBLEMS.md']],
      ['.gitignore', '/root/a\n', ['b/c/PROBLEMS.md', 'd/x/PROBLEMS.md']],
      ['.gitignore', '/root/b\n', ['a/PROBLEMS.md', 'd/x/PROBLEMS.md']],
      ['.git/info/exclude', 'a\n', ['d/x/PROBLEMS.md']],
    ];
    for (const [path, text, expected] of changes) {
      await nextTick();
      if (text === undefined) rmSync(join(outer, path));
      else write(outer, { [path]: text });
      expect(await paths(root, cache)).toEqual(expected);
      expect(await paths(root, cache)).toEqual(expected);
    }
    expect(await paths(root, cache, { ignore: ['d'] })).toEqual([]);
  });

  it('a cache that is damaged, of another folder or no file at all is passed by', async () => {
    const cache = emptyFolder();
    const root = tree({ 'a/PROBLEMS.md': registry, 'b/PROBLEMS.md': prose });
    const other = tree({ 'a/PROBLEMS.md': prose, 'b/PROBLEMS.md': registry });
    await paths(root, cache);
    const file = tableIn(cache);
    const bytes = readFileSync(file);
    const foreign = emptyFolder();
    await paths(other, foreign);
    const damaged = [
      ...[0, 1, 7, 8, bytes.length >> 1, bytes.length - 1].map((length) => bytes.subarray(0, length)),
      ...Array.from({ length: 24 }, (_, index) => {
        const copy = Buffer.from(bytes);
        const at = Math.floor((index / 24) * copy.length);
        copy[at] = (copy[at] ?? 0) ^ 0x10;
        return copy;
      }),
      Buffer.concat([bytes, bytes]),
      readFileSync(tableIn(foreign)),
      encodeTable('[]', new Map()),
    ];
    for (const content of damaged) {
      writeFileSync(file, content);
      expect(await paths(root, cache)).toEqual(['a/PROBLEMS.md']);
      expect(readFileSync(file).equals(bytes)).toBe(true);
    }
    rmSync(file);
    mkdirSync(file);
    expect(await paths(root, cache)).toEqual(['a/PROBLEMS.md']);
  });

  it('is the same with the cache and without after any edits', { timeout: 60_000 }, async () => {
    const folder = fc.constantFrom('', 'a', 'b', 'a/b', 'a/b/c');
    const edit = fc.oneof(
      fc.record({
        type: fc.constant('write' as const),
        path: folder,
        name: fc.constantFrom('PROBLEMS.md', 'problems.md', '.gitignore', '.ignore', 'readme.md'),
        text: fc.constantFrom(registry, prose, 'b\n', 'PROBLEMS.md\n', '!*\n'),
      }),
      fc.record({
        type: fc.constant('remove' as const),
        path: folder,
        name: fc.constantFrom('PROBLEMS.md', '.gitignore', 'b', 'c'),
      }),
      fc.record({
        type: fc.constant('move' as const),
        path: fc.constantFrom('a', 'b', 'a/b', 'PROBLEMS.md', 'a/PROBLEMS.md'),
        name: fc.constantFrom('d', 'e/f', 'b', 'b/PROBLEMS.md'),
      }),
    );
    const property = fc.asyncProperty(
      fc.array(fc.array(edit, { minLength: 1, maxLength: 3 }), { maxLength: 4 }),
      async (rounds) => {
        const cache = emptyFolder();
        const root = tree({
          'PROBLEMS.md': registry,
          'a/PROBLEMS.md': registry,
          'a/b/c/PROBLEMS.md': prose,
          'b/PROBLEMS.md': registry,
        });
        await paths(root, cache);
        for (const edits of rounds) {
          await nextTick();
          for (const { type, path, name, ...rest } of edits) {
            try {
              if (type === 'write') write(root, { [join(path, name)]: 'text' in rest ? rest.text : '' });
              else if (type === 'remove') rmSync(join(root, path, name), { recursive: true, force: true });
              else {
                mkdirSync(join(root, name, '..'), { recursive: true });
                renameSync(join(root, path), join(root, name));
              }
            } catch {
              // An edit that cannot be made is none.
            }
          }
          await paths(root, cache);
        }
      },
    );
    await fc.assert(property, { numRuns: 25 });
  });
});

describe('the cache on disk', () => {
  it('is for its owner alone, and in the place that the XDG specification names', async () => {
    const cache = join(emptyFolder(), 'new', 'cache');
    await paths(tree({ 'PROBLEMS.md': registry }), cache);
    expect(statSync(cache).mode & 0o777).toBe(0o700);
    expect(statSync(tableIn(cache)).mode & 0o777).toBe(0o600);
    expect(readdirSync(cache)).toHaveLength(1);
    expect(usualCacheFolder({ XDG_CACHE_HOME: '/x' })).toBe('/x/problem-registry');
    expect(usualCacheFolder({ XDG_CACHE_HOME: 'relative' })).toMatch(/^\/.*\/\.cache\/problem-registry$/);
  });

  it('costs nothing but time where it cannot be written', async () => {
    const occupied = tree({ file: '' });
    expect(await paths(tree({ 'PROBLEMS.md': registry }), join(occupied, 'file'))).toEqual(['PROBLEMS.md']);
  });

  it('keeps the tables of fifty folders', async () => {
    const cache = emptyFolder();
    for (let index = 0; index < 53; index++) await found(tree({ 'PROBLEMS.md': registry }), { cache });
    expect(readdirSync(cache)).toHaveLength(50);
  });

  it('gives back what was put in', () => {
    const stamp = fc.tuple(fc.double(), fc.double(), fc.double(), fc.double());
    const names = fc.array(fc.string(), { maxLength: 3 });
    const seen = fc.record({
      path: fc.string(),
      folders: names,
      links: names,
      isRepository: fc.boolean(),
      folder: stamp,
      rules: fc.array(fc.tuple(fc.string(), stamp), { maxLength: 2 }),
      files: fc.array(fc.tuple(fc.string(), stamp, fc.boolean()), { maxLength: 3 }),
    });
    const property = fc.property(
      fc.string(),
      fc.uniqueArray(seen, { selector: ({ path }) => path, maxLength: 5 }),
      (about, entries) => {
        const table = new Map(
          entries.map(({ path, folders, links, isRepository, folder, rules, files }) => [
            path,
            createEntry(
              path,
              { folders, links, isRepository, rules: rules.map(([name]) => name), files: files.map(([name]) => name) },
              {
                folder,
                rules: rules.map(([, stamps]) => stamps),
                files: files.map(([, stamps, holdsMarker]) => ({ stamp: stamps, holdsMarker })),
              },
            ),
          ]),
        );
        const decoded = decodeTable(about, encodeTable(about, table)) ?? new Map();
        const plain = (one: typeof table) =>
          [...one.values()].map(({ numbers, at, ...rest }) => [
            rest,
            Array.from(
              { length: 4 * (rest.rules.length + 1) + 5 * rest.files.length },
              (_, index) => numbers[at + index],
            ),
          ]);
        expect(plain(decoded as typeof table)).toEqual(plain(table));
      },
    );
    fc.assert(property, { numRuns: 50 });
  });
});
