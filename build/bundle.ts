/**
 * Builds `dist`: the entry points bundled with rolldown, the declarations by the TypeScript compiler, and the licences
 * of what was bundled. The same sources give the same bytes.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { builtinModules } from './builtin-modules.ts';
import { eagerFunctions } from './eager-functions.ts';
import { thirdPartyLicences } from './licences.ts';
import { siblingFiles } from './sibling-files.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** Each file of `src` that stands under its own name in `dist`. What is loaded late by its URL is found by itself. */
const entries: readonly string[] = ['cli/bin', 'index', 'app/remediation', 'remark'];

/**
 * What stays a dependency: drivers, which are loaded only to repair; zod, whose types are part of our own; and js-yaml,
 * which is loaded at the first yaml block that is not plain. All else is bundled, since one file loads several times
 * faster than a hundred.
 */
const external: readonly RegExp[] = [/^pg(\/|$)/, /^zod(\/|$)/, /^js-yaml$/];

/**
 * What is loaded together stands in one file: each further file costs a start about a millisecond. Only the paths of
 * `problems validate` and `problems scan` are grouped; what no group names is split as its imports have it.
 */
const groups: readonly { readonly name: string; readonly test: RegExp }[] = [
  { name: 'node', test: /^\0builtin:/ },
  {
    name: 'reading',
    test: /\/src\/(errors|version)\.ts$|\/src\/util\/|\/src\/registry\/(?!schema|edit\/|parse\/markdown-tree|kinds\/blank)|\/(js-yaml|fastest-levenshtein)\//,
  },
  { name: 'priority', test: /\/src\/priority\// },
  { name: 'tasks', test: /\/src\/tasks\/(?!backlog)/ },
  { name: 'scan', test: /\/src\/scan\// },
  {
    name: 'validate',
    test: /\/src\/cli\/(main|terminal|parser|command|shared-options|render|commands\/(index|validate))\.ts$|\/src\/app\/(check|scan|validate)\.ts$|\/src\/config\/config\.ts$|\/src\/reporters\/(text\/diagnostics|escape-terminal)\.ts$|\/commander\//,
  },
  {
    name: 'scanning',
    test: /\/src\/cli\/(run-scan|print-scan|output-cache|progress|commands\/scan)\.ts$|\/src\/reporters\/(json|table|text\/records)\.ts$/,
  },
];

function sourceOf(entry: string): string {
  return join(root, 'src', `${entry}.ts`);
}

async function bundle(): Promise<readonly string[]> {
  const build = await rolldown({
    cwd: root,
    input: Object.fromEntries(
      entries.filter((entry) => existsSync(sourceOf(entry))).map((entry) => [entry, sourceOf(entry)]),
    ),
    platform: 'node',
    external: [...external],
    plugins: [siblingFiles(), builtinModules(), eagerFunctions(groups.map(({ name }) => name))],
    // CommonJS code asks for its own name, which a module does not have.
    transform: { define: { __filename: 'import.meta.filename', __dirname: 'import.meta.dirname' } },
    // Of Node's own modules only what is used is read; no getter of ours does more than say something.
    treeshake: { propertyReadSideEffects: false },
    tsconfig: join(root, 'tsconfig.json'),
  });
  const { output } = await build.write({
    dir: dist,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    codeSplitting: { groups: [...groups] },
    // Comments and blanks cost time at each start; names stay, for stack traces.
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
const moduleIds = await bundle();
writeFileSync(join(dist, 'third-party-licenses.txt'), thirdPartyLicences(moduleIds));
const bin = join(dist, 'cli/bin.js');
if (existsSync(bin)) chmodSync(bin, 0o755);
if (!declarations()) process.exitCode = 1;
