import type { Config } from '../config.ts';
import type { Diagnostic } from '../registry/diagnostics.ts';
import type { Registry } from '../registry/registry.ts';
import { scanAll, type ScanProgress, type ScanResult } from '../scan/index.ts';
import { repeatedIds } from './repeated-ids.ts';
import type { Task } from '../tasks/types.ts';

export interface Findings {
  readonly registries: readonly Registry[];
  /** Highest priority first. */
  readonly tasks: readonly Task[];
  /** By path and place, each registry's own and those of all together. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface JudgeOptions {
  readonly config: Config;
  /** Where attempts on tasks are looked up, for their cooldown. */
  readonly tasksDir?: string | undefined;
  readonly now: () => Date;
}

export interface FindOptions extends JudgeOptions {
  readonly cwd: string;
  /** Default false. */
  readonly cache?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: ScanProgress) => void;
}

/** The registries below some paths, the tasks that follow from them, and everything that is wrong. */
export async function findProblems(paths: readonly string[], options: FindOptions): Promise<Findings> {
  const { cwd, config, cache = false, signal, onProgress } = options;
  const scanned = await scanAll(paths, {
    cwd,
    configFolder: config.folder,
    ignore: config.ignore,
    components: config.components,
    cache,
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  return judge(scanned, options);
}

/** What follows from registries: tasks, and the diagnostics of each and of all together. */
export async function judge({ registries, diagnostics }: ScanResult, options: JudgeOptions): Promise<Findings> {
  const own = [...diagnostics, ...registries.flatMap((registry) => registry.diagnostics), ...repeatedIds(registries)];
  if (registries.every(({ records }) => records.length === 0))
    return { registries, tasks: [], diagnostics: inOrder(own) };
  const { generateTasks } = await import('../tasks/generate.ts');
  const { priority, triage } = options.config;
  const made = generateTasks(registries, { priority, triage, ...(await attemptsOf(options)) });
  return { registries, tasks: made.tasks, diagnostics: inOrder([...own, ...made.diagnostics]) };
}

async function attemptsOf({ tasksDir, now }: JudgeOptions) {
  if (tasksDir === undefined) return {};
  const { attemptsIn, readBacklog } = await import('../tasks/backlog/index.ts');
  return { attempts: attemptsIn(await readBacklog(tasksDir), now()) };
}

function inOrder(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return diagnostics.toSorted(
    (a, b) =>
      compare(a.path, b.path) ||
      a.place.offset - b.place.offset ||
      a.place.endOffset - b.place.endOffset ||
      compare(a.code, b.code),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
