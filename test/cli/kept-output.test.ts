import { globSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { emptyFolder, tree, write } from '../scan/tree.ts';
import { runsOf } from '../soak.ts';

/** A registry of one record that tasks follow from. */
function record(title: string): string {
  return [
    '<!-- EMBED:ACTIVEPROBLEM:START -->',
    `### ${title}`,
    '**Status:** [active]',
    '**Severity:** [high]',
    '**Frequency:** [frequent]',
    '**Impact:** [system_down]',
    '<!-- EMBED:ACTIVEPROBLEM:END -->',
    '',
  ].join('\n');
}

let cache = '';

// The change time of a file cannot be set back, so the clock goes forward instead.
beforeEach(() => {
  cache = emptyFolder();
  vi.stubEnv('XDG_CACHE_HOME', cache);
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

async function scan(cwd: string, args: readonly string[] = [], program = 'this build') {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const printed = [text(stdout), text(stderr)];
  const code = await main({
    argv: ['scan', ...args],
    cwd,
    env: {},
    streams: { stdin, stdout, stderr },
    now: () => new Date(0),
    program,
  });
  stdout.end();
  stderr.end();
  return { code, printed: await Promise.all(printed) };
}

/** The same scan twice with the cache and once without. */
async function expectSame(cwd: string, args: readonly string[] = []) {
  const anew = await scan(cwd, [...args, '--no-cache']);
  expect(await scan(cwd, args)).toEqual(anew);
  expect(await scan(cwd, args)).toEqual(anew);
  return anew;
}

function keptFiles(): readonly string[] {
  return globSync(join(cache, 'problem-registry/*.output'));
}

function keptFile(): string {
  const [file = 'none'] = keptFiles();
  return file;
}

/** Replaces the cached output with other words, to tell whether it is printed. */
function forge(file: string): void {
  const content = readFileSync(file, 'utf8').split('\n').slice(1).join('\n').replaceAll('Disk full', 'FORGED');
  const half = (seed: number) => crc32(content, seed).toString(16).padStart(8, '0');
  writeFileSync(file, `${half(0) + half(crc32(content))}\n${content}`);
}

describe('cached scan output', () => {
  it('is printed again if the scan finds the same, and nothing is read for it', async () => {
    const root = tree({ 'a/PROBLEMS.md': record('Disk full'), 'b/PROBLEMS.md': 'prose' });
    await scan(root);
    forge(keptFile());
    expect((await scan(root)).printed[0]).toContain('FORGED');
  });

  it.each<readonly [what: string, args: readonly string[], program: string, change: Readonly<Record<string, string>>]>([
    ['of other options', ['--top', '1'], 'this build', {}],
    ['without the cache', ['--no-cache'], 'this build', {}],
    ['of another build', [], 'another build', {}],
    ['with another config', [], 'this build', { 'problems.config.json': '{"components": {"a": "b"}}' }],
    ['after a registry came', [], 'this build', { 'c/PROBLEMS.md': record('Two') }],
    ['after a registry changed', [], 'this build', { 'a/PROBLEMS.md': record('Two') }],
  ])('is not printed for a scan %s', async (_, args, program, change) => {
    const root = tree({ 'a/PROBLEMS.md': record('Disk full') });
    await scan(root);
    forge(keptFile());
    write(root, change);
    expect((await scan(root, args, program)).printed[0]).not.toContain('FORGED');
  });

  it('is not printed again once there is another file without records', async () => {
    const root = tree({ 'a/PROBLEMS.md': record('Disk full') });
    await scan(root);
    expect((await scan(root)).printed[1]).not.toContain('hold');
    write(root, { 'b/PROBLEMS.md': 'None.\n' });
    expect((await scan(root)).printed[1]).toContain('1 PROBLEMS.md holds no record');
  });

  it('is not stored for a file that changed a moment ago', async () => {
    const root = tree({ 'PROBLEMS.md': record('One') });
    vi.setSystemTime(statSync(join(root, 'PROBLEMS.md')).ctimeMs + 1000);
    await scan(root);
    expect(keptFiles()).toEqual([]);
  });

  it('is not stored for named files, with --write-tasks, or if a file could not be read', async () => {
    const root = tree({ 'PROBLEMS.md': record('One'), 'tasks/backlog/.keep': '' });
    await scan(root, ['PROBLEMS.md']);
    await scan(root, ['--write-tasks', 'tasks']);
    await scan(root, ['.', 'missing']);
    expect(keptFiles()).toEqual([]);
  });

  it('is readable only by its owner, and ignored if it is damaged', async () => {
    const root = tree({ 'PROBLEMS.md': record('One') });
    const first = await scan(root);
    const file = keptFile();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const bytes = readFileSync(file);
    for (let at = 0; at < bytes.length; at += 97) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      writeFileSync(file, damaged);
      expect(await scan(root)).toEqual(first);
      expect(readFileSync(file).equals(bytes)).toBe(true);
    }
    writeFileSync(file, '');
    expect(await scan(root)).toEqual(first);
  });

  it('is the same as the output of a scan without the cache, after any edits', { timeout: 60_000 }, async () => {
    const path = fc.constantFrom(
      'PROBLEMS.md',
      'a/PROBLEMS.md',
      'a/b/PROBLEMS.md',
      '.gitignore',
      'problems.config.json',
    );
    const edit = fc.oneof(
      fc.record({
        type: fc.constant('write' as const),
        path,
        text: fc.constantFrom(record('One'), record('Two'), record('One').slice(0, 40), 'b\n', '{"ignore": ["a/b"]}'),
      }),
      fc.record({ type: fc.constant('remove' as const), path: fc.constantFrom('a', 'a/b', '.gitignore') }),
      fc.record({ type: fc.constant('move' as const), path: fc.constantFrom('a', 'a/b'), text: fc.constant('c') }),
    );
    const property = fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 5 }), async (edits) => {
      const root = tree({ 'a/PROBLEMS.md': record('One'), 'a/b/PROBLEMS.md': record('Two') });
      await expectSame(root);
      for (const one of edits) {
        // Longer than a tick of the file system's clock.
        await setTimeout(20);
        try {
          if (one.type === 'write') write(root, { [one.path]: one.text });
          else if (one.type === 'remove') rmSync(join(root, one.path), { recursive: true });
          else renameSync(join(root, one.path), join(root, one.text));
        } catch {
          // Some edits are impossible here; they count as no edit.
        }
        mkdirSync(join(root, 'a'), { recursive: true });
        await expectSame(root);
      }
    });
    await fc.assert(property, { numRuns: runsOf(15) });
  });
});
