import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import remarkGfm from 'remark-gfm';
import remarkParse from 'remark-parse';
import { unified } from 'unified';
import { readRegistry } from '../src/registry/parse/read.ts';
import { makeRepository, makeTree, registryText } from './inputs.ts';
import { calls, compare, processOf, type Ratio } from './measuring.ts';

const repository = join(import.meta.dirname, '..');
const problems = join(repository, 'dist/cli/bin.js');
const fixture = 'fixtures/resources/postgres/PROBLEMS.md';

/** One line of the table. */
export interface Figure {
  readonly what: string;
  readonly against: string;
  /** The target for the ratio: at most, or for `faster` at least. */
  readonly target: number | undefined;
  /** Whether the ratio is turned round: how many times as fast. */
  readonly faster?: boolean;
  readonly ratio: Ratio;
}

/** Undefined for a figure that is printed for comparison only. */
export function isMet({ ratio: { median }, target, faster = false }: Figure): boolean | undefined {
  if (target === undefined) return undefined;
  return faster ? 1 / median >= target : median <= target;
}

export function readingFigure(): Figure {
  const text = readFileSync(join(repository, fixture), 'utf8');
  const remark = unified().use(remarkParse).use(remarkGfm);
  for (let index = 0; index < 300; index++) readRegistry(text);
  for (let index = 0; index < 20; index++) remark.parse(text);
  const ratio = compare(
    calls(() => readRegistry(text), 100),
    calls(() => remark.parse(text), 3),
    31,
  );
  return {
    what: `read the fixture registry (${kilobytes(text)}), warm`,
    against: '`remark-parse` with `remark-gfm`, the syntax tree alone',
    target: 50,
    faster: true,
    ratio,
  };
}

export function validateFigures(): readonly Figure[] {
  const bare = processOf(process.execPath, ['-e', '0']);
  const validate = processOf(process.execPath, [problems, 'validate', fixture], { cwd: repository });
  const remark = processOf(
    process.execPath,
    [join(repository, 'node_modules/remark-cli/cli.js'), '--no-stdout', '--quiet', '--use', 'remark-gfm', fixture],
    { cwd: repository },
  );
  const against = '`node -e 0`';
  return [
    { what: '`problems validate` of the fixture registry', against, target: 2.2, ratio: compare(validate, bare, 21) },
    {
      what: '`remark-cli` on the same file, for comparison',
      against,
      target: undefined,
      ratio: compare(remark, bare, 7),
    },
  ];
}

export function scanFigures(folder: string): readonly Figure[] {
  const root = join(folder, 'tree');
  const env = { XDG_CACHE_HOME: join(folder, 'cache') };
  makeTree(root, { folders: 10_000, every: 33, otherFiles: 40_000, registry: 1000 });
  makeRepository(root);
  settle();
  const rg = processOf('rg', ['-l', 'EMBED:', '-g', 'PROBLEMS.md'], { cwd: root });
  const scan = (prepare?: () => void, ...args: readonly string[]) =>
    processOf(process.execPath, [problems, 'scan', ...args], {
      cwd: root,
      env,
      ...(prepare === undefined ? {} : { prepare }),
    });
  const against = '`rg -l EMBED: -g PROBLEMS.md`';
  const cold = compare(
    scan(() => rmSync(env.XDG_CACHE_HOME, { recursive: true, force: true })),
    rg,
    15,
  );
  const warm = compare(scan(), rg, 15);
  const without = compare(scan(undefined, '--no-cache'), rg, 15);
  return [
    { what: '`problems scan` of the tree, nothing cached', against, target: 3, ratio: cold },
    { what: '`problems scan` of the unchanged tree, again', against, target: 1, ratio: warm },
    { what: '`problems scan --no-cache` of the tree', against, target: undefined, ratio: without },
  ];
}

export function linearityFigures(): readonly Figure[] {
  const [one, four, sixteen] = [1, 4, 16].map((size) => registryText(size * 1024 * 1024));
  const read =
    (text = ''): (() => unknown) =>
    () =>
      readRegistry(text);
  readRegistry(one ?? '');
  return [
    {
      what: 'read a registry of 4 MB',
      against: 'one of 1 MB',
      target: 4 * 1.25,
      ratio: compare(calls(read(four), 1), calls(read(one), 1), 7),
    },
    {
      what: 'read a registry of 16 MB',
      against: 'one of 1 MB',
      target: 16 * 1.25,
      ratio: compare(calls(read(sixteen), 1), calls(read(one), 1), 5),
    },
  ];
}

/**
 * Peak memory, in megabytes instead of milliseconds, with a heap of 64 MB. Without that bound, V8 lets garbage lie until
 * its heap is a multiple of what is alive: that measures the machine's memory, not ours.
 */
export function memoryFigure(folder: string): Figure {
  const sizes = [300, 30_000].map((folders) => {
    const root = join(folder, `memory-${folders}`);
    makeTree(root, { folders, every: 1, otherFiles: 0, registry: 16_000 });
    return root;
  });
  const [small, large] = sizes.map((root) => ({ run: () => peakMemory(root) }));
  const nothing = { run: () => Number.NaN };
  return {
    what: 'peak memory in a heap of 64 MB: stream 30,000 registries of 16 KB (510 MB)',
    against: 'stream 300 of them (5 MB)',
    target: 2,
    ratio: compare(large ?? nothing, small ?? nothing, 3),
  };
}

function peakMemory(root: string): number {
  const heap = ['--max-old-space-size=64', '--max-semi-space-size=8'];
  const { stdout } = spawnSync(process.execPath, [...heap, join(import.meta.dirname, 'peak-memory.ts'), root], {
    encoding: 'utf8',
  });
  return Number(stdout) / 1024;
}

/** What has just changed is not trusted by a cache, so the tree has to be a little older than its change. */
function settle(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000);
}

function kilobytes(text: string): string {
  return `${(Buffer.byteLength(text) / 1024).toFixed(1)} KB`;
}
