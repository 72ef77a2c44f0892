import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readCacheFile, usualCacheFolder, writeCacheFile } from '../../src/scan/cache.ts';
import { findCandidates } from '../../src/scan/candidates.ts';
import { scanAll, type ScanOptions } from '../../src/scan/scan.ts';
import { fewestPaths, openSnapshotCache, type Snapshot, stampOf } from '../../src/scan/snapshot.ts';
import { emptyFolder, record, tree, write } from './tree.ts';
import { runsOf } from '../soak.ts';

const registry = record('r');

const prose = 'x'.repeat(registry.length);

/** A folder with these files and enough folders for a snapshot to be kept. */
function largeTree(files: Readonly<Record<string, string | Uint8Array>>): string {
  const root = tree(files);
  for (let index = 0; index < fewestPaths; index++) mkdirSync(join(root, 'filler', String(index)), { recursive: true });
  return root;
}

/** The same scan with and without the cache. */
async function both(root: string, cache: string, options: ScanOptions = {}) {
  return {
    cached: await scanAll(['.'], { cwd: root, cache, ...options }),
    plain: await scanAll(['.'], { cwd: root, ...options }),
  };
}

/** The registries that a scan with the cache finds, after checking that a scan without it finds the same. */
async function paths(root: string, cache: string, options: ScanOptions = {}): Promise<string[]> {
  const { cached, plain } = await both(root, cache, options);
  expect(cached).toEqual(plain);
  return cached.registries.map(({ path }) => path);
}

function snapshotFile(cache: string): string {
  return join(cache, readdirSync(cache)[0] ?? 'no snapshot');
}

type Stored = Snapshot & { readonly about: string };

function storedIn(cache: string): Stored {
  return deserialize(readFileSync(snapshotFile(cache)).subarray(4)) as Stored;
}

/** Replaces the cached content, with a valid checksum. */
function forge(cache: string, stored: unknown): void {
  const content = serialize(stored);
  const head = Buffer.alloc(4);
  head.writeUInt32LE(crc32(content));
  writeFileSync(snapshotFile(cache), Buffer.concat([head, content]));
}

/** Longer than a tick of the file system's clock, so that the next change has another stamp. */
function nextTick(): Promise<void> {
  return setTimeout(20);
}

describe('the stamp of a file', () => {
  it('is undefined within two seconds of a change, and on another device', () => {
    const file = join(tree({ file: '' }), 'file');
    utimesSync(file, 1e9, 1e9);
    const stats = statSync(file);
    const { ino, size, ctimeMs, dev } = stats;
    expect(stampOf(stats, ctimeMs + 1999, dev)).toBeUndefined();
    expect(stampOf(stats, ctimeMs + 60_000, dev + 1)).toBeUndefined();
    expect(stampOf(stats, ctimeMs + 2001, dev)).toEqual([ino, size, 1e12, ctimeMs]);
    utimesSync(file, 4e9, 4e9);
    expect(stampOf(statSync(file), Date.now() + 60_000, dev)).toBeUndefined();
  });
});

describe('a scan right after a change', () => {
  it('stores no snapshot, and sees a change that keeps size and modification time', async () => {
    const cache = emptyFolder();
    const root = largeTree({ 'a/PROBLEMS.md': prose });
    const file = join(root, 'a/PROBLEMS.md');
    utimesSync(file, 1e9, 1e9);
    expect(await paths(root, cache)).toEqual([]);
    expect(readdirSync(cache)).toEqual([]);
    writeFileSync(file, registry);
    utimesSync(file, 1e9, 1e9);
    expect(await paths(root, cache)).toEqual(['a/PROBLEMS.md']);
  });
});

describe('a scan long after the last change', () => {
  // The change time of a file cannot be set back, so the clock goes forward instead.
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 }));
  afterEach(() => void vi.useRealTimers());

  it('trusts the snapshot for unchanged files', async () => {
    const cache = emptyFolder();
    const root = largeTree({ '.gitignore': 'x\n', '.git/HEAD': '', 'a/PROBLEMS.md': registry });
    expect(await paths(root, cache)).toEqual(['a/PROBLEMS.md']);
    const stored = storedIn(cache);
    expect(stored.registries.map((index) => stored.paths[index])).toEqual(['a/PROBLEMS.md']);
    forge(cache, { ...stored, registries: [] });
    const { cached, plain } = await both(root, cache);
    expect(cached.registries).toEqual([]);
    expect(plain.registries).toHaveLength(1);
  });

  it('leaves the snapshot of an unchanged tree unchanged', async () => {
    const cache = emptyFolder();
    const root = largeTree({ 'a/PROBLEMS.md': registry, 'b/x': '' });
    await paths(root, cache);
    const before = statSync(snapshotFile(cache)).ino;
    await paths(root, cache);
    expect(statSync(snapshotFile(cache)).ino).toBe(before);
  });

  it('stores no snapshot of a small tree, which a walk reads as fast', async () => {
    const cache = emptyFolder();
    const root = tree({ 'a/PROBLEMS.md': registry });
    expect(await paths(root, cache)).toEqual(['a/PROBLEMS.md']);
    expect(readdirSync(cache)).toEqual([]);
  });

  it('returns equal fingerprints only if it found the same files with the same content', async () => {
    const cache = emptyFolder();
    const fingerprint = async (root: string, options: ScanOptions = { cache }, scanned = ['.']) =>
      (await findCandidates(scanned, { cwd: root, ...options })).fingerprint;
    const small = tree({ 'a/PROBLEMS.md': registry });
    for (const root of [small, largeTree({ 'a/PROBLEMS.md': registry, 'b/PROBLEMS.md': prose })]) {
      const first = await fingerprint(root);
      expect(first).toContain('a/PROBLEMS.md');
      expect(await fingerprint(root)).toBe(first);
      await nextTick();
      write(root, { 'a/PROBLEMS.md': registry });
      expect(await fingerprint(root)).not.toBe(first);
    }
    expect(await fingerprint(small, {})).toBeUndefined();
    expect(await fingerprint(tree({}), {})).toBeUndefined();
    expect(await fingerprint(small, { cache }, ['a/PROBLEMS.md'])).toBeUndefined();
    expect(await fingerprint(small, { cache }, ['.', 'missing'])).toBeUndefined();
  });

  it('sees an edit in place that keeps size and modification time', async () => {
    const cache = emptyFolder();
    const root = largeTree({ 'a/PROBLEMS.md': prose });
    const file = join(root, 'a/PROBLEMS.md');
    utimesSync(file, 1e9, 1e9);
    await paths(root, cache);
    await nextTick();
    writeFileSync(file, registry);
    utimesSync(file, 1e9, 1e9);
    expect(await paths(root, cache)).toEqual(['a/PROBLEMS.md']);
  });

  it('sees that a file or folder was replaced by one of the same size and time', async () => {
    const cache = emptyFolder();
    const root = largeTree({
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

  it('sees that an ignore file was added, removed or changed, in every relevant folder', async () => {
    const cache = emptyFolder();
    const outer = tree({
      '.git/HEAD': '',
      'root/.gitignore': 'a\n',
      'root/a/PROBLEMS.md': registry,
      'root/b/c/PROBLEMS.md': registry,
      'root/d/.git/HEAD': '',
      'root/d/x/PROBLEMS.md': registry,
      ...Object.fromEntries(Array.from({ length: fewestPaths }, (_, index) => [`root/filler/${index}/x`, ''])),
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

  it('reports an unreadable folder and a refused link every time', async () => {
    const cache = emptyFolder();
    const root = largeTree({ 'a/PROBLEMS.md': registry });
    symlinkSync('nothing', join(root, 'PROBLEMS.md'));
    await paths(root, cache);
    expect(storedIn(cache).links).toEqual(['PROBLEMS.md']);
    expect((await both(root, cache)).cached.diagnostics.map(({ path }) => path)).toEqual(['PROBLEMS.md']);
    mkdirSync(Buffer.concat([Buffer.from(`${root}/b`), Buffer.from([0xff])]));
    for (let round = 0; round < 3; round++) {
      await paths(root, cache);
      const { cached } = await both(root, cache);
      expect(cached.diagnostics.map(({ path }) => path)).toEqual(['PROBLEMS.md', 'b\uFFFD']);
    }
  });

  it('gives the same result with and without the cache after any edits', { timeout: 60_000 }, async () => {
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
        const root = largeTree({
          'PROBLEMS.md': registry,
          'a/PROBLEMS.md': registry,
          'a/b/c/PROBLEMS.md': prose,
          'b/PROBLEMS.md': registry,
        });
        await paths(root, cache);
        expect(storedIn(cache).registries).toHaveLength(3);
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
              // Not every edit is possible.
            }
          }
          await paths(root, cache);
          // Now from the snapshot of the previous scan.
          await paths(root, cache);
        }
      },
    );
    await fc.assert(property, { numRuns: runsOf(10) });
  });

  describe('given a bad snapshot', () => {
    let cache = '';
    let root = '';
    let stored: Stored;
    let bytes = Buffer.alloc(0);

    beforeEach(async () => {
      cache = emptyFolder();
      root = largeTree({ 'a/PROBLEMS.md': registry, 'b/PROBLEMS.md': prose });
      await paths(root, cache);
      stored = storedIn(cache);
      bytes = readFileSync(snapshotFile(cache));
    });

    /** A scan must find the actual files and replace the bad snapshot with its own. */
    async function expectReplaced(): Promise<void> {
      expect(await paths(root, cache)).toEqual(['a/PROBLEMS.md']);
      expect(readFileSync(snapshotFile(cache)).equals(bytes)).toBe(true);
    }

    it('replaces a damaged snapshot', async () => {
      const damaged = [
        ...[0, 1, 3, 4, bytes.length >> 1, bytes.length - 1].map((length) => bytes.subarray(0, length)),
        ...Array.from({ length: 24 }, (_, index) => {
          const copy = Buffer.from(bytes);
          const at = Math.floor((index / 24) * copy.length);
          copy[at] = (copy[at] ?? 0) ^ 0x10;
          return copy;
        }),
        Buffer.concat([bytes, bytes]),
      ];
      for (const content of damaged) {
        writeFileSync(snapshotFile(cache), content);
        await expectReplaced();
      }
    });

    it('replaces the snapshot of another folder', async () => {
      const foreign = emptyFolder();
      await paths(largeTree({ 'a/PROBLEMS.md': prose, 'b/PROBLEMS.md': registry }), foreign);
      writeFileSync(snapshotFile(cache), readFileSync(snapshotFile(foreign)));
      await expectReplaced();
    });

    it('replaces a snapshot of the wrong shape, even with a valid checksum', async () => {
      const count = stored.paths.length;
      const wrong: readonly unknown[] = [
        undefined,
        [],
        { ...stored, about: '[]' },
        { ...stored, paths: [] },
        { ...stored, paths: stored.paths.map(() => 1) },
        { ...stored, stamps: [...stored.stamps] },
        { ...stored, stamps: Float64Array.of(...stored.stamps, 0) },
        { ...stored, registries: [count] },
        { ...stored, registries: [-1] },
        { ...stored, registries: ['length'] },
        // A folder is not a registry.
        { ...stored, registries: [0] },
        { ...stored, links: [1] },
        { ...stored, links: undefined },
      ];
      for (const value of wrong) {
        forge(cache, value);
        await expectReplaced();
      }
    });

    it('replaces a snapshot with a path outside the folder', async () => {
      const secret = tree({ 'PROBLEMS.md': registry });
      const stats = statSync(join(secret, 'PROBLEMS.md'));
      const stamp = [stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs];
      const up = '../'.repeat(root.split('/').length - 1);
      for (const path of [`${up}${secret.slice(1)}/PROBLEMS.md`, `a/../${up}${secret.slice(1)}/PROBLEMS.md`]) {
        expect(statSync(join(root, path)).ino).toBe(stats.ino);
        const outside = {
          ...stored,
          paths: [...stored.paths, path],
          stamps: Float64Array.of(...stored.stamps, ...stamp),
          registries: [stored.paths.length],
        };
        forge(cache, outside);
        await expectReplaced();
        forge(cache, { ...stored, registries: [], links: [path] });
        await expectReplaced();
      }
    });

    it('ignores a snapshot that another user could have written', async () => {
      const forged = { ...stored, registries: [] };
      forge(cache, forged);
      expect((await both(root, cache)).cached.registries).toEqual([]);
      for (const mode of [0o620, 0o602]) {
        forge(cache, forged);
        chmodSync(snapshotFile(cache), mode);
        await expectReplaced();
      }
    });

    it.runIf(process.geteuid?.() === 0)('ignores a snapshot that belongs to another user', async () => {
      forge(cache, { ...stored, registries: [] });
      chownSync(snapshotFile(cache), 12_345, 12_345);
      await expectReplaced();
    });

    it('ignores a symbolic link or a folder with the name of a snapshot', async () => {
      const file = snapshotFile(cache);
      const elsewhere = join(emptyFolder(), 'file');
      forge(cache, { ...stored, registries: [] });
      renameSync(file, elsewhere);
      symlinkSync(elsewhere, file);
      await expectReplaced();
      rmSync(file);
      mkdirSync(file);
      expect(await paths(root, cache)).toEqual(['a/PROBLEMS.md']);
    });
  });

  it('makes the snapshot readable only by its owner', async () => {
    const cache = join(emptyFolder(), 'new', 'cache');
    await paths(largeTree({ 'PROBLEMS.md': registry }), cache);
    expect(statSync(cache).mode & 0o777).toBe(0o700);
    expect(statSync(snapshotFile(cache)).mode & 0o777).toBe(0o600);
    expect(readdirSync(cache)).toHaveLength(1);
  });

  it('continues if the cache cannot be written', async () => {
    const occupied = tree({ file: '' });
    const root = largeTree({ 'PROBLEMS.md': registry });
    expect(await paths(root, join(occupied, 'file'))).toEqual(['PROBLEMS.md']);
  });
});

describe('the cache folder', () => {
  it('is in the place that the XDG specification gives', () => {
    expect(usualCacheFolder({ XDG_CACHE_HOME: '/x' })).toBe('/x/problem-registry');
    expect(usualCacheFolder({ XDG_CACHE_HOME: 'relative' })).toMatch(/^\/.*\/\.cache\/problem-registry$/);
  });

  it('keeps the fifty newest files of each kind', () => {
    const cache = emptyFolder();
    for (let index = 0; index < 53; index++) {
      writeCacheFile(cache, `${index}.scan`, Buffer.from(`${index}`));
      utimesSync(join(cache, `${index}.scan`), index, index);
    }
    writeCacheFile(cache, 'a.output', Buffer.from('text'));
    expect(readdirSync(cache)).toHaveLength(51);
    expect(readCacheFile(cache, '2.scan')).toBeUndefined();
    expect(readCacheFile(cache, '52.scan')?.toString()).toBe('52');
    expect(readCacheFile(cache, 'a.output')?.toString()).toBe('text');
  });

  it('returns the saved snapshot', () => {
    const path = fc.oneof(fc.string(), fc.constantFrom('', 'PROBLEMS.md', 'a/b/problems.md'));
    const link = fc.constantFrom('PROBLEMS.md', 'a/PROBLEMS.md', 'x y/Problems.MD');
    const cache = openSnapshotCache(emptyFolder(), emptyFolder(), 'settings', 'state');
    const property = fc.property(
      fc.array(fc.tuple(path, fc.tuple(fc.double(), fc.double(), fc.double(), fc.double()))),
      fc.array(link),
      (entries, links) => {
        const names = entries.map(([name]) => name);
        const snapshot: Snapshot = {
          paths: names,
          stamps: Float64Array.from(entries.flatMap(([, stamp]) => stamp)),
          registries: [...names.keys()].filter((index) => /(?:^|\/)problems\.md$/i.test(names[index] ?? '')),
          unmarked: [...names.keys()].filter((index) => names[index] === 'PROBLEMS.md'),
          links,
        };
        cache?.save(snapshot);
        expect(cache?.load()).toMatchObject(snapshot);
      },
    );
    fc.assert(property, { numRuns: runsOf(50) });
  });
});
