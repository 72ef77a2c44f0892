import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import type { ProblemRecord } from '../registry/record.ts';
import { projectPath } from '../scan/projects.ts';
import type { BacklogResult, ScannedProblems } from '../tasks/index.ts';
import type { Evaluation } from './check.ts';
import type { ScanReport } from './scan.ts';

export interface WriteTasksOptions {
  /** Absolute. The paths of the report and the tasks folder are relative to it. */
  readonly cwd: string;
  /** As `loadConfig` returns it. */
  readonly config: Config;
  /** Default: the system clock. */
  readonly now?: (() => Date) | undefined;
}

/**
 * Writes the tasks of a scan into the tasks folder of a swarm-manager, by the rules of docs/tasks.md, and withdraws those
 * whose problem it found resolved. Targets begin at the root of the project, whatever the working folder; outside a project,
 * at the folder that contains the tasks folder.
 *
 * ```ts
 * const report = await scanProblems(['.'], { cwd, config, tasksDir: 'tasks' });
 * const { changes } = await writeTasks(report, 'tasks', { cwd, config });
 * ```
 * @throws ProblemsError as `writeBacklog`.
 */
export async function writeTasks(
  report: Pick<ScanReport, 'tasks' | 'all'>,
  tasksDir: string,
  { cwd, config, now = () => new Date() }: WriteTasksOptions,
): Promise<BacklogResult> {
  const { writeBacklog } = await import('../tasks/formats/swarm-manager/index.ts');
  const folder = resolve(cwd, tasksDir);
  const targetOf = targetsFrom(cwd, config, dirname(realPathOf(folder)));
  const tasks = report.tasks.map((task) => ({ ...task, target: targetOf(task.target) }));
  return writeBacklog(folder, tasks, {
    now: now(),
    priority: config.priority,
    scanned: scannedIn(report.all, targetOf),
  });
}

/** From the path of a registry to the target of its tasks: the path from the root of its project, else from `otherwise`. */
export function targetsFrom(cwd: string, { file, folder }: Config, otherwise: string): (path: string) => string {
  const targets = new Map<string, string>();
  return (path) => {
    const known = targets.get(path);
    if (known !== undefined) return known;
    const target = projectPath(path, { cwd, projectFolder: file === undefined ? undefined : folder, otherwise });
    targets.set(path, target);
    return target;
  };
}

/** A record with an error may be a problem that is still open, and one that is missing may be what has the error. */
export function scannedIn(all: Evaluation, targetOf: (path: string) => string): ScannedProblems {
  const errors = Map.groupBy(
    all.diagnostics.filter(({ severity }) => severity === 'error'),
    ({ path }) => path,
  );
  function isSound({ path, place }: ProblemRecord): boolean {
    return !(errors.get(path) ?? []).some(
      (error) => error.place.endOffset >= place.offset && error.place.offset <= place.endOffset,
    );
  }
  return {
    problems: new Set(all.registries.flatMap(({ records }) => records.filter(isSound).map(({ id }) => id))),
    targets: new Set(all.registries.flatMap(({ path }) => (errors.has(path) ? [] : [targetOf(path)]))),
    tasks: new Set(all.tasks.map(({ id }) => id)),
  };
}

/** The real path of a folder of which the last parts need not exist. */
function realPathOf(folder: string): string {
  try {
    return realpathSync.native(folder);
  } catch {
    return folder === dirname(folder) ? folder : join(realPathOf(dirname(folder)), basename(folder));
  }
}
