import type { Config } from '../config/config.ts';
import type { Diagnostic } from '../registry/diagnostics.ts';
import type { ProblemRecord } from '../registry/record.ts';
import type { Registry } from '../registry/registry.ts';
import { findCandidates } from '../scan/candidates.ts';
import { readAll, scanAll, type ScanOptions, type ScanProgress } from '../scan/scan.ts';
import type { Task, TaskKind } from '../tasks/types.ts';
import { type CheckedRegistries, checkRegistries, type Evaluation, evaluate } from './check.ts';

/** Where registries are looked for, and by which settings. */
export interface ScanEnvironment {
  /** Absolute. Paths are relative to it, in what is given and in what is returned. */
  readonly cwd: string;
  /** As `loadConfig` returns it. */
  readonly config: Config;
  /** Whether to remember which files were found, in the user's cache folder. The result is the same. Default false. */
  readonly cache?: boolean | undefined;
  /** Ends the scan: it throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called at most twenty times a second. */
  readonly onProgress?: ((progress: ScanProgress) => void) | undefined;
}

/**
 * Which part of a scan is wanted. An absent or empty list selects everything; a record that has no severity or no status
 * matches no list of them.
 */
export interface ScanFilter {
  readonly recordKinds?: readonly ProblemRecord['kind'][];
  readonly taskKinds?: readonly TaskKind[];
  readonly component?: readonly string[];
  readonly severity?: readonly string[];
  readonly status?: readonly string[];
  /** At most this many tasks, the most urgent ones. */
  readonly top?: number | undefined;
  /** Only tasks with this score or a higher one. */
  readonly minScore?: number | undefined;
}

export interface ScanProblemsOptions extends ScanEnvironment {
  /** Default: everything. */
  readonly filter?: ScanFilter | undefined;
  /** A tasks folder to read earlier attempts from. Default: the config's `tasks.dir`. */
  readonly tasksDir?: string | undefined;
  /** Default: the system clock. */
  readonly now?: (() => Date) | undefined;
}

/** What a scan found, after its filter. */
export interface ScanFindings {
  readonly registries: readonly Registry[];
  readonly records: readonly ProblemRecord[];
  /** Highest priority first. */
  readonly tasks: readonly Task[];
  /** Sorted by path and position. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface ScanReport extends ScanFindings {
  /** Everything that was found, before the filter. */
  readonly all: Evaluation;
  /** Paths of problem files that hold no record, in order, before the filter. */
  readonly withoutRecords: readonly string[];
  /** Whether another scan of the same files reports the same. Not if a file could not be read, or not in time. */
  readonly isRepeatable: boolean;
}

/** A scan that has found its files and not read them yet. */
export interface PendingScan {
  /** Real paths of the files that may be registries. */
  readonly files: readonly string[];
  /**
   * Equal to that of an earlier scan if the same paths led to the same files with the same content. Undefined if file
   * stamps cannot tell: without `cache`, if files were named or refused, and right after a change.
   */
  readonly fingerprint: string | undefined;
  /** Reads the files and evaluates them. */
  finish(): Promise<ScanReport>;
}

/**
 * Finds registries, reads them, and returns their records, tasks and diagnostics: what `problems scan` prints.
 *
 * ```ts
 * const cwd = process.cwd();
 * const { tasks } = await scanProblems(['.'], { cwd, config: await loadConfig(cwd), filter: { severity: ['critical'] } });
 * ```
 * A path that does not exist or a file that cannot be read is a diagnostic.
 * @throws ProblemsError `file-unreadable`: the tasks folder cannot be read.
 */
export async function scanProblems(paths: readonly string[], options: ScanProblemsOptions): Promise<ScanReport> {
  return (await startScan(paths, options)).finish();
}

/** The first half of `scanProblems`, for callers that need to know the files, or can reuse an earlier result. */
export async function startScan(paths: readonly string[], options: ScanProblemsOptions): Promise<PendingScan> {
  const { config, filter = {}, tasksDir = config.tasksDir, now } = options;
  const reading = readingOptions(options);
  const found = await findCandidates(paths, reading);
  return {
    files: found.candidates.map(({ file }) => file),
    fingerprint: found.fingerprint,
    async finish() {
      const { withoutRecords, ...read } = await readAll(found, reading);
      const all = await evaluate(read, { config, tasksDir, now });
      const isRepeatable = !all.diagnostics.some(({ code }) => code === 'file-unreadable' || code === 'too-complex');
      return { ...applyFilter(all, filter), all, withoutRecords, isRepeatable };
    },
  };
}

/** Reads and checks the registries below some paths, without making tasks. */
export async function checkPaths(paths: readonly string[], environment: ScanEnvironment): Promise<CheckedRegistries> {
  return checkRegistries(await scanAll(paths, readingOptions(environment)), environment.config);
}

/** How registries are read in an environment. */
export function readingOptions({ cwd, config, cache = false, signal, onProgress }: ScanEnvironment): ScanOptions {
  return {
    cwd,
    configFolder: config.folder,
    ignore: config.ignore,
    components: config.components,
    projectFolder: config.file === undefined ? undefined : config.folder,
    cache,
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  };
}

/**
 * Narrows an evaluation: records by what they say; tasks by their own kind and score and by the record they come from;
 * registries and diagnostics by component alone.
 */
export function applyFilter({ registries, tasks, diagnostics }: Evaluation, filter: ScanFilter): ScanFindings {
  const chosen = registries.filter(({ component }) => fits(component, filter.component));
  const paths = new Set(chosen.map(({ path }) => path));
  const left = new Set(registries.filter(({ path }) => !paths.has(path)).map(({ path }) => path));
  const records = chosen.flatMap((registry) => registry.records.filter((record) => isWanted(record, filter)));
  const sources = new Set(records.map(({ path, id }) => sourceOf(path, id)));
  const minimum = filter.minScore ?? Number.NEGATIVE_INFINITY;
  const wanted = tasks.filter(
    (task) =>
      sources.has(sourceOf(task.target, task.problem)) &&
      fits(task.kind, filter.taskKinds) &&
      task.priority.score >= minimum,
  );
  return {
    registries: chosen,
    records,
    tasks: wanted.slice(0, filter.top),
    // Diagnostics of files that could not be read belong to no registry, and are always kept.
    diagnostics: diagnostics.filter(({ path }) => !left.has(path)),
  };
}

function isWanted(record: ProblemRecord, { recordKinds, severity, status }: ScanFilter): boolean {
  return (
    fits(record.kind, recordKinds) &&
    fits('severity' in record ? record.severity : undefined, severity) &&
    fits('status' in record ? record.status : undefined, status)
  );
}

function fits(value: string | undefined, wanted: readonly string[] = []): boolean {
  return wanted.length === 0 || (value !== undefined && wanted.includes(value));
}

function sourceOf(path: string, id: string): string {
  return `${path}\n${id}`;
}
