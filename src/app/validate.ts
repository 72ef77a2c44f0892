import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { ProblemsError } from '../errors.ts';
import { readTextIfPossible } from '../read-file.ts';
import { createDiagnosticCollector, type Diagnostic, type Fix } from '../registry/diagnostics.ts';
import { readRegistry } from '../registry/parse/read.ts';
import { createLineIndex } from '../registry/position.ts';
import { componentsOf, statedNames } from '../scan/components.ts';
import { fromRepository, locate } from '../scan/locations.ts';
import { namingFolders, projectOf } from '../scan/projects.ts';
import { largestFile } from '../scan/marker-search.ts';
import { decodeContent, registryOf } from '../scan/registry-file.ts';
import { scanAll } from '../scan/scan.ts';
import { type CheckedRegistries, checkRegistries } from './check.ts';
import { readingOptions, type ScanEnvironment } from './scan.ts';

export interface Validation {
  /** How many files with markers were checked. */
  readonly registries: number;
  /** What is wrong after the fixes, sorted by path and position. */
  readonly diagnostics: readonly Diagnostic[];
  readonly fixed: readonly AppliedFix[];
  /** Files that have something to fix and cannot be edited. */
  readonly refused: readonly RefusedFile[];
  /** The text of the file that a diagnostic names, if it can be read. */
  readonly textOf: (path: string) => string | undefined;
  /** The path of a diagnostic from the root of the repository, as CI systems want it; unchanged outside a repository. */
  readonly repositoryPath: (path: string) => string;
}

/** A fix of one diagnostic that was applied. */
export interface AppliedFix {
  readonly path: string;
  /** From 1, in the text before this fix. */
  readonly line: number;
  readonly code: string;
  readonly description: string;
}

export interface RefusedFile {
  readonly path: string;
  readonly reason: string;
}

export interface ValidateOptions extends ScanEnvironment {
  /** Whether to apply safe fixes to the files first. Default false. */
  readonly fix?: boolean | undefined;
}

/**
 * Checks files and folders; without a path, the folder `cwd`. With `fix`, files are first edited under the protection
 * of `openRegistry`; a file that cannot be edited is listed in `refused` and keeps its diagnostics.
 *
 * ```ts
 * const { diagnostics } = await validate([], { cwd, config: await loadConfig(cwd) });
 * ```
 */
export async function validate(paths: readonly string[], options: ValidateOptions): Promise<Validation> {
  const wanted = paths.length === 0 ? ['.'] : paths;
  // A check of files alone, as in a pre-commit hook, searches no folder: not even to name components.
  const reading = {
    ...readingOptions(options),
    nameByProject: wanted.some((path) => locate(path, options.cwd).type === 'folder'),
  };
  const check = async () => checkRegistries(await scanAll(wanted, reading), options.config);
  let checked = await check();
  const { fixed, refused } = options.fix === true ? await fixFiles(checked, options.cwd) : { fixed: [], refused: [] };
  if (fixed.length > 0) checked = await check();
  return {
    registries: checked.registries.length,
    diagnostics: checked.diagnostics,
    fixed,
    refused,
    textOf: (path) => readTextIfPossible(resolve(options.cwd, path), { most: largestFile }),
    repositoryPath: fromRepository(options.cwd),
  };
}

export interface ValidateTextOptions extends Pick<ScanEnvironment, 'cwd' | 'config'> {
  /** The path to report, which also decides the component. Default `PROBLEMS.md`. */
  readonly name?: string | undefined;
}

/** Checks the bytes of one registry that need not be a file, such as standard input or an editor's buffer. */
export async function validateText(
  bytes: Uint8Array,
  { cwd, config, name = 'PROBLEMS.md' }: ValidateTextOptions,
): Promise<Validation> {
  const path = name.replaceAll('\\', '/');
  const component = componentAt(path, { cwd, config });
  const content = decodeContent(Buffer.from(bytes));
  const registries = content.type === 'text' ? [registryOf(content, { path, component })] : [];
  const report = createDiagnosticCollector(path, createLineIndex(''));
  if (content.type === 'refused') {
    const { code, message, hint } = content;
    report.add(code, { start: 0, end: 0 }, { message, ...(hint === undefined ? {} : { hint }) });
  }
  const { diagnostics } = await checkRegistries({ registries, diagnostics: report.diagnostics }, config);
  const text = content.type === 'text' ? content.text : undefined;
  return {
    registries: registries.length,
    diagnostics,
    fixed: [],
    refused: [],
    textOf: () => text,
    repositoryPath: fromRepository(cwd),
  };
}

/**
 * The component of a registry that need not exist. Other registries of the project, which may have the same name, are not asked.
 * @param path Relative to the working folder, with forward slashes.
 */
export function componentAt(path: string, { cwd, config }: Pick<ScanEnvironment, 'cwd' | 'config'>): string {
  const folder = realpathSync.native(cwd);
  const file = resolve(folder, path);
  const project = projectOf(folder, config.file === undefined ? undefined : config.folder) ?? folder;
  const way = namingFolders(new Set([project]), cwd)(project, file);
  const stated = statedNames(config.components, config.folder)(file);
  return componentsOf([{ path, ...way, stated }]).get(path) ?? 'root';
}

async function fixFiles(
  { registries }: CheckedRegistries,
  cwd: string,
): Promise<Pick<Validation, 'fixed' | 'refused'>> {
  const fixed: AppliedFix[] = [];
  const refused: RefusedFile[] = [];
  for (const { path, component, diagnostics } of registries) {
    if (!diagnostics.some((diagnostic) => diagnostic.fix?.safe === true)) continue;
    const { openRegistry } = await import('./edit-registry.ts');
    try {
      const file = openRegistry(path, cwd);
      const result = await applyFixes(file.text, (text) => readRegistry(text, { path, component }).diagnostics);
      if (result.fixed.length > 0) await file.replace(result.text);
      fixed.push(...result.fixed);
    } catch (error) {
      if (!(error instanceof ProblemsError)) throw error;
      refused.push({ path, reason: error.message });
    }
  }
  return { fixed, refused };
}

type Fixable = Diagnostic & { readonly fix: Fix };

/** A fix can make another one possible. The limit ends fixes that would cause each other for ever. */
const mostRounds = 20;

/** Applies the safe fixes of a text and reads it again, until none is left. */
export async function applyFixes(
  text: string,
  read: (text: string) => readonly Diagnostic[],
): Promise<{ readonly text: string; readonly fixed: readonly AppliedFix[] }> {
  const { applyEdits } = await import('../registry/edit/index.ts');
  const fixed: AppliedFix[] = [];
  let current = text;
  for (let round = 0; round < mostRounds; round++) {
    const taken = withoutOverlaps(read(current).filter(isSafe));
    const after = applyEdits(
      current,
      taken.flatMap(({ fix }) => fix.edits),
    );
    if (after === current) break;
    current = after;
    fixed.push(
      ...taken.map(({ path, place, code, fix }) => ({ path, line: place.line, code, description: fix.description })),
    );
  }
  return { text: current, fixed };
}

function isSafe(diagnostic: Diagnostic): diagnostic is Fixable {
  return diagnostic.fix?.safe === true && diagnostic.fix.edits.length > 0;
}

/** A fix is applied as a whole or, in this round, not at all. */
function withoutOverlaps(diagnostics: readonly Fixable[]): readonly Fixable[] {
  let end = -1;
  return diagnostics
    .toSorted((a, b) => startOf(a) - startOf(b))
    .filter((diagnostic) => {
      if (startOf(diagnostic) < end) return false;
      end = Math.max(...diagnostic.fix.edits.map((edit) => edit.end));
      return true;
    });
}

function startOf({ fix }: Fixable): number {
  return Math.min(...fix.edits.map((edit) => edit.start));
}
