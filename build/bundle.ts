/**
 * Builds `dist`: the entry points and the page of the service bundled with rolldown, the declarations by the TypeScript compiler, and the licences
 * of what was bundled. The same sources give the same bytes.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChunkingContext, rolldown } from 'rolldown';
import { thirdPartyLicences } from './licences.ts';
import { bundleOptions } from './options.ts';
import { bundlePage } from './page.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** Each file of `src` that keeps its name in `dist`. siblingFiles() finds those that are loaded by their URL. */
const entries: readonly string[] = ['cli/bin', 'index', 'app/remediation', 'app/swarm', 'testing/index', 'remark'];

/** What `validate` and `scan` load at every start, besides what these import without being asked for it. */
const registryReaders: readonly string[] = [
  'cli/main',
  'cli/commands/validate',
  'cli/run-scan',
  'cli/print-scan',
  'priority/prioritise',
  'scan/discovery',
  'tasks/generate',
];

/** Takes longer to load than all the rest, by its size. */
const slow = /^zod(?:\/|$)/;

/**
 * Modules that five entry points or commands import go into one of two files: what reads registries, and everything else, which
 * is for instances. Each further file costs a start about a millisecond, and without this rule `problems validate`
 * would load thirty; with one file it would load the remediators. Modules that need a slow package stay out of both.
 */
const shared = [
  {
    debugName: 'registry',
    name: (id: string, modules: ChunkingContext) =>
      readsRegistries(id, modules) && !needsSlow(id, modules) ? 'registry' : null,
    minShareCount: 5,
    // First, since a file also takes what its modules import.
    priority: 1,
  },
  {
    debugName: 'instances',
    name: (id: string, modules: ChunkingContext) => (needsSlow(id, modules) ? null : 'instances'),
    minShareCount: 5,
    priority: 0,
  },
];

const reading = new Set<string>();

function readsRegistries(id: string, modules: ChunkingContext): boolean {
  function add(module: string): void {
    if (reading.has(module)) return;
    reading.add(module);
    modules.getModuleInfo(module)?.importedIds.forEach(add);
  }
  if (reading.size === 0) registryReaders.map(sourceOf).forEach(add);
  return reading.has(id);
}

/** By module: whether it is a slow package, or imports a module that needs one. */
const slowUsers = new Map<string, boolean>();

function needsSlow(id: string, modules: ChunkingContext): boolean {
  const known = slowUsers.get(id);
  if (known !== undefined) return known;
  // Ends a circle of imports.
  slowUsers.set(id, false);
  const imported = modules.getModuleInfo(id)?.importedIds ?? [];
  const needs = slow.test(id) || imported.some((other) => needsSlow(other, modules));
  slowUsers.set(id, needs);
  return needs;
}

function sourceOf(entry: string): string {
  return join(root, 'src', `${entry}.ts`);
}

async function bundle(): Promise<readonly string[]> {
  const build = await rolldown({
    ...bundleOptions(root),
    // What a command loads late, another imports: the groups below and not the imports decide which file has it.
    checks: { ineffectiveDynamicImport: false },
    input: Object.fromEntries(
      entries.filter((entry) => existsSync(sourceOf(entry))).map((entry) => [entry, sourceOf(entry)]),
    ),
  });
  const { output } = await build.write({
    dir: dist,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    codeSplitting: { groups: shared },
    // Comments and blanks cost time at each start. Names are kept for stack traces.
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
  });
  await build.close();
  return output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []));
}

function declarations(): boolean {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  return spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' }).status === 0;
}

rmSync(dist, { recursive: true, force: true });
const moduleIds = [...(await bundle()), ...(await bundlePage(root, join(dist, 'service/page')))];
writeFileSync(join(dist, 'third-party-licenses.txt'), thirdPartyLicences(moduleIds));
const bin = join(dist, 'cli/bin.js');
if (existsSync(bin)) chmodSync(bin, 0o755);
if (!declarations()) process.exitCode = 1;
