import type { Config } from '../config/config.ts';
import { type Diagnostic, diagnosticCatalogue } from '../registry/diagnostics.ts';
import type { ProblemRecord } from '../registry/record.ts';
import type { Registry } from '../registry/registry.ts';
import type { ScanResult } from '../scan/scan.ts';
import type { Claims, Task } from '../tasks/types.ts';
import type { LearnedTasks } from './rank-by-learning.ts';

/** What was read. */
export type ReadRegistries = Pick<ScanResult, 'registries' | 'diagnostics'>;

/** Registries that have been checked, alone and against each other. */
export interface CheckedRegistries {
  /** In the order of their paths. */
  readonly registries: readonly Registry[];
  /** Sorted by path and position: those of each registry and those that only show between several. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Checked registries and the tasks that follow from them. */
export interface Evaluation extends CheckedRegistries {
  /** Highest priority first. */
  readonly tasks: readonly Task[];
  /** What earlier attempts have taught about the tasks; absent unless the config has the profile `learned`. */
  readonly learned?: LearnedTasks;
}

export interface EvaluateOptions {
  readonly config: Config;
  /** A tasks folder: earlier attempts on the tasks in it lower their scores for a while. Default: none is read. */
  readonly tasksDir?: string | undefined;
  /** When attempts are compared with their cooldown. Default: the system clock. */
  readonly now?: (() => Date) | undefined;
}

/**
 * Checks registries, each alone and all together. Only `evaluate` finds cycles of related issues, since it makes tasks:
 * loading that code costs more than reading one file.
 */
export async function checkRegistries(
  { registries, diagnostics }: ReadRegistries,
  { priority }: Pick<Config, 'priority'>,
): Promise<CheckedRegistries> {
  const own = ownDiagnostics({ registries, diagnostics });
  if (registries.every(({ records }) => records.length === 0)) return { registries, diagnostics: inOrder(own) };
  const { prioritise } = await import('../priority/prioritise.ts');
  const made = registries.flatMap(({ records }) => prioritise(records, { settings: priority }).diagnostics);
  return { registries, diagnostics: inOrder([...own, ...made]) };
}

/**
 * Checks registries, ranks their problems and generates tasks.
 * @throws ProblemsError `file-unreadable`: the tasks folder cannot be read; `bad-config`: a plugin cannot be loaded.
 */
export async function evaluate(
  { registries, diagnostics }: ReadRegistries,
  options: EvaluateOptions,
): Promise<Evaluation> {
  const own = ownDiagnostics({ registries, diagnostics });
  if (registries.every(({ records }) => records.length === 0))
    return { registries, tasks: [], diagnostics: inOrder(own) };
  const { generateTasks } = await import('../tasks/generate.ts');
  const { priority, triage } = options.config;
  const claims = await claimsOf(options.config);
  const made = generateTasks(registries, { priority, triage, claims, ...(await attemptsOf(options)) });
  const learned = await learnedTasks(made.tasks, options);
  return {
    registries,
    tasks: learned?.tasks ?? made.tasks,
    diagnostics: inOrder([...own, ...made.diagnostics]),
    ...(learned === undefined ? {} : { learned }),
  };
}

/** Reads what was learned only if the profile asks for it: the journal and the queue are not needed otherwise. */
async function learnedTasks(
  tasks: readonly Task[],
  { config, tasksDir, now = () => new Date() }: EvaluateOptions,
): Promise<LearnedTasks | undefined> {
  if (config.priority.profile !== 'learned' || config.learning.enabled === false || tasks.length === 0)
    return undefined;
  const [{ openLearning }, { rankByLearning }] = await Promise.all([
    import('./learned.ts'),
    import('./rank-by-learning.ts'),
  ]);
  return rankByLearning(tasks, await openLearning({ config, tasks, tasksDir }), config.priority, now());
}

/** Whether a file could not be read. Then the result is incomplete, whatever the other files say. */
export function hasUnreadableFile(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ code }) => code === 'file-unreadable');
}

function ownDiagnostics({ registries, diagnostics }: ReadRegistries): readonly Diagnostic[] {
  return [...diagnostics, ...registries.flatMap((registry) => registry.diagnostics), ...repeatedIds(registries)];
}

/** Loads plugins only if the config names any. */
async function claimsOf(config: Config): Promise<Readonly<Record<string, Claims>>> {
  if (config.plugins.length === 0) return {};
  const { pluginClaims } = await import('./plugins.ts');
  return pluginClaims(config);
}

async function attemptsOf({ tasksDir, now = () => new Date() }: EvaluateOptions) {
  if (tasksDir === undefined) return {};
  const { attemptsIn, readBacklog } = await import('../tasks/formats/swarm-manager/index.ts');
  return { attempts: attemptsIn(await readBacklog(tasksDir), now()) };
}

/** Each record whose id another registry has used before it. Repeats within one registry are found when it is read. */
function repeatedIds(registries: readonly Registry[]): readonly Diagnostic[] {
  const first = new Map<string, ProblemRecord>();
  const diagnostics: Diagnostic[] = [];
  for (const record of registries.flatMap(({ records }) => records)) {
    const other = first.get(record.id);
    if (other === undefined) first.set(record.id, record);
    else if (other.path !== record.path) diagnostics.push(repeatedId(record, other));
  }
  return diagnostics;
}

function repeatedId({ id, path, place, places }: ProblemRecord, other: ProblemRecord): Diagnostic {
  const { severity, hint } = diagnosticCatalogue['id-repeated'];
  return {
    code: 'id-repeated',
    severity,
    message: `Duplicate id "${id}" (first used in ${other.path}, line ${other.place.line}).`,
    hint,
    path,
    place: places['id'] ?? places['title'] ?? place,
  };
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
