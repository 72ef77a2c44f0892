import type { Config } from '../config/config.ts';
import type { Diagnostic } from '../registry/diagnostics.ts';
import type { Registry } from '../registry/registry.ts';
import { scanAll, type ScanResult } from '../scan/scan.ts';
import { repeatedIds } from './repeated-ids.ts';
import { type CheckOptions, scanOptions } from './shared-options.ts';
import type { Task } from '../tasks/types.ts';

export interface Checked {
  readonly registries: readonly Registry[];
  /** By path and place, each registry's own and those of all together. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface Evaluation extends Checked {
  /** Highest priority first. */
  readonly tasks: readonly Task[];
}

export interface JudgeOptions {
  readonly config: Config;
  /** Where attempts on tasks are looked up, for their cooldown. */
  readonly tasksDir?: string | undefined;
  readonly now: () => Date;
}

export type FindOptions = CheckOptions & JudgeOptions;

/** The registries below some paths, the tasks that follow from them, and everything that is wrong. */
export async function findProblems(paths: readonly string[], options: FindOptions): Promise<Evaluation> {
  return evaluate(await scanAll(paths, scanOptions(options)), options);
}

/** The same without tasks, which cost a start that checks one file more than the reading of it. */
export async function checkProblems(paths: readonly string[], options: CheckOptions): Promise<Checked> {
  return check(await scanAll(paths, scanOptions(options)), options.config);
}

/** What is wrong in registries, each for itself and all together. Circles of related issues show only once there are tasks. */
export async function check({ registries, diagnostics }: ScanResult, { priority }: Config): Promise<Checked> {
  const own = ownDiagnostics({ registries, diagnostics });
  if (registries.every(({ records }) => records.length === 0)) return { registries, diagnostics: inOrder(own) };
  const { prioritise } = await import('../priority/prioritise.ts');
  const made = registries.flatMap(({ records }) => prioritise(records, { settings: priority }).diagnostics);
  return { registries, diagnostics: inOrder([...own, ...made]) };
}

function ownDiagnostics({ registries, diagnostics }: ScanResult): readonly Diagnostic[] {
  return [...diagnostics, ...registries.flatMap((registry) => registry.diagnostics), ...repeatedIds(registries)];
}

/** Whether there was a file that could not be read: then the work could not be done, whatever the others say. */
export function hasUnreadableFile(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ code }) => code === 'file-unreadable');
}

/** What follows from registries: tasks, and the diagnostics of each and of all together. */
export async function evaluate({ registries, diagnostics }: ScanResult, options: JudgeOptions): Promise<Evaluation> {
  const own = ownDiagnostics({ registries, diagnostics });
  if (registries.every(({ records }) => records.length === 0))
    return { registries, tasks: [], diagnostics: inOrder(own) };
  const { generateTasks } = await import('../tasks/generate.ts');
  const { priority, triage } = options.config;
  const made = generateTasks(registries, { priority, triage, ...(await attemptsOf(options)) });
  return { registries, tasks: made.tasks, diagnostics: inOrder([...own, ...made.diagnostics]) };
}

async function attemptsOf({ tasksDir, now }: JudgeOptions) {
  if (tasksDir === undefined) return {};
  const { attemptsIn, readBacklog } = await import('../tasks/formats/swarm-manager/index.ts');
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
