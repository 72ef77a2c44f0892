import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { ProblemsError } from '../errors.ts';
import { sureConfidence } from '../import/confidence.ts';
import { type ImportItem, type ImportSource, planImport } from '../import/plan.ts';
import { readRegistry } from '../registry/parse/read.ts';
import type { ProblemRecord } from '../registry/record.ts';
import { joined, relativePath } from '../scan/locations.ts';
import { isRegistryName } from '../scan/walk.ts';
import { fileErrorText } from '../read-file.ts';
import { editRegistry, openRegistry } from './edit-registry.ts';
import { type ImportedFile, type ImportReport, proposeRecords } from './import.ts';
import { createWhole } from './replace-file.ts';
import type { ScanEnvironment } from './scan.ts';
import { componentAt } from './validate.ts';

export interface ImportRecordsOptions extends ScanEnvironment {
  /** The registry that all records go to. Default: each file's own, as docs/import.md says. */
  readonly into?: string | undefined;
  /** Proposals with this confidence or more are taken. Default: `sureConfidence`. */
  readonly minConfidence?: number | undefined;
}

/** A registry and what an import makes of it. */
export interface RegistryImport {
  /** Relative to the working folder. */
  readonly path: string;
  readonly component: string;
  /** Undefined: it does not exist yet. */
  readonly before: string | undefined;
  /** Equal to `before` if there is nothing to do; undefined if no record is added to a registry that does not exist. */
  readonly after: string | undefined;
  readonly items: readonly ImportItem[];
  /** Paths of the files that are imported into it. */
  readonly sources: readonly string[];
  /** Records of other registries of the component, whose problems are not added again. */
  readonly others: readonly ProblemRecord[];
}

export interface RecordsImport extends ImportReport {
  /** In the order of their paths. */
  readonly registries: readonly RegistryImport[];
}

/** What a registry begins with that an import creates. */
const heading = '# Problems\n';

/**
 * Plans which records an import adds to which registries, and which it changes. Changes nothing.
 *
 * ```ts
 * const { registries } = await planRecordsImport(['.'], { cwd, config: await loadConfig(cwd) });
 * ```
 */
export async function planRecordsImport(
  paths: readonly string[],
  options: ImportRecordsOptions,
): Promise<RecordsImport> {
  const { cwd } = options;
  const report = await proposeRecords(paths, options);
  const targets = new Map<string, ImportedFile[]>();
  for (const file of report.files) {
    const path = options.into ?? registryFor(file, cwd);
    targets.set(path, [...(targets.get(path) ?? []), file]);
  }
  const refused = [...report.refused];
  const planned = new Map<string, RegistryImport>();
  for (const [path, files] of [...targets].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    try {
      const before = existsSync(resolve(cwd, path)) ? openRegistry(path, cwd).text : undefined;
      const component = (options.into === undefined ? files[0]?.component : undefined) ?? componentAt(path, options);
      const sources = files.map((file) => file.path);
      planned.set(path, { path, component, before, after: before, items: [], sources, others: [] });
    } catch (error) {
      if (!(error instanceof ProblemsError)) throw error;
      refused.push({ path, message: error.message });
    }
  }
  for (const [path, registry] of planned) {
    options.signal?.throwIfAborted();
    const others = [...planned.values()].filter((one) => one !== registry && one.component === registry.component);
    const records = others.flatMap((one) => readRegistry(one.after ?? '', one).records);
    planned.set(path, planInto({ ...registry, others: records }, registry.before, targets.get(path) ?? [], options));
  }
  return { files: report.files, refused, registries: [...planned.values()] };
}

/** What became of a planned import. */
export interface WrittenImport {
  /** Registries that were written, in the order of their paths. */
  readonly written: readonly string[];
  /** Registries that could not be written, with the reason as a sentence. */
  readonly refused: readonly { readonly path: string; readonly message: string }[];
}

/**
 * Writes what was planned. A registry that another program has changed since is planned again, so that no edit is lost and two
 * imports at once add no record twice. Each file is replaced as a whole or not at all.
 */
export async function writeRecordsImport(
  { files, registries }: RecordsImport,
  options: ImportRecordsOptions,
): Promise<WrittenImport> {
  const { cwd } = options;
  const written: string[] = [];
  const refused: { readonly path: string; readonly message: string }[] = [];
  for (const registry of registries) {
    const { path, before, after, sources } = registry;
    if (after === undefined || after === before) continue;
    const own = files.filter((file) => sources.includes(file.path));
    const change = (text: string): string => planInto(registry, text, own, options).after ?? text;
    try {
      const isCreated = before === undefined && (await createWhole(resolve(cwd, path), after));
      if (isCreated || (await editRegistry(path, cwd, change))) written.push(path);
    } catch (error) {
      const reason =
        error instanceof ProblemsError ? error.message : `${path} cannot be written: ${fileErrorText(error)}.`;
      refused.push({ path, message: `${reason}.` });
    }
  }
  return { written, refused };
}

/** A registry is imported into itself; any other file into the registry in its folder. */
function registryFor({ path }: ImportedFile, cwd: string): string {
  if (isRegistryName(basename(path))) return path;
  const folder = dirname(path) === '.' ? '' : dirname(path);
  return joined(folder, registryIn(resolve(cwd, folder)) ?? 'PROBLEMS.md');
}

/** The name of the registry in a folder, whatever its case. */
function registryIn(folder: string): string | undefined {
  return readdirSync(folder).toSorted().find(isRegistryName);
}

function planInto(
  registry: RegistryImport,
  before: string | undefined,
  files: readonly ImportedFile[],
  { cwd, minConfidence = sureConfidence }: ImportRecordsOptions,
): RegistryImport {
  const { path, component, others } = registry;
  const text = before ?? heading;
  const file = resolve(cwd, path);
  const folder = realpathSync.native(dirname(file));
  const real = before === undefined ? file : realpathSync.native(file);
  const sources = files.map((one): ImportSource =>
    one.file === real
      ? { path: one.path, from: '.', text }
      : { path: one.path, from: relativePath(folder, one.file), text: one.text },
  );
  const exists = (from: string): boolean => existsSync(resolve(folder, from));
  const plan = planImport({ text, path, component, others, exists }, sources, { minConfidence });
  const isNothing = before === undefined && plan.text === text;
  return { ...registry, before, after: isNothing ? undefined : plan.text, items: plan.items };
}
