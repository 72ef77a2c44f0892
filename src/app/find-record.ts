import { realpathSync } from 'node:fs';
import { ProblemsError } from '../errors.ts';
import { explainPriority, type Explanation } from '../priority/index.ts';
import type { Diagnostic } from '../registry/diagnostics.ts';
import type { ProblemRecord } from '../registry/record.ts';
import { projectOf } from '../scan/projects.ts';
import type { Task } from '../tasks/types.ts';
import { suggest } from '../util/suggest.ts';
import type { Evaluation } from './check.ts';
import type { LearnedView } from './rank-by-learning.ts';
import { scanProblems, type ScanProblemsOptions } from './scan.ts';

export interface FindRecordOptions extends Omit<ScanProblemsOptions, 'filter'> {
  /** Folders and files to search. Default: the folder `cwd` and, if nothing has the id there, its whole project. */
  readonly paths?: readonly string[] | undefined;
}

export interface FoundRecord {
  readonly record: ProblemRecord;
  /** The task with the given id, or all tasks of the record, highest priority first. */
  readonly tasks: readonly Task[];
  /** What is wrong in the record's block. */
  readonly diagnostics: readonly Diagnostic[];
  /** Everything that was found on the way. */
  readonly all: Evaluation;
}

/**
 * Finds a record by its id, by the last part of its id, or by the id of one of its tasks.
 * @throws ProblemsError `not-found`: with the nearest id as a hint. `bad-usage`: several records have an id that ends so.
 */
export async function findRecord(id: string, { paths = [], ...options }: FindRecordOptions): Promise<FoundRecord> {
  if (paths.length > 0) return foundIn(paths, id, options);
  try {
    return await foundIn(['.'], id, options);
  } catch (error) {
    if (!(error instanceof ProblemsError) || error.code !== 'not-found') throw error;
    const { cwd, config } = options;
    const folder = realpathSync.native(cwd);
    const project = projectOf(folder, config.file === undefined ? undefined : config.folder) ?? folder;
    if (project === folder) throw error;
    return foundIn([project], id, options);
  }
}

async function foundIn(
  paths: readonly string[],
  id: string,
  options: Omit<FindRecordOptions, 'paths'>,
): Promise<FoundRecord> {
  const { all } = await scanProblems(paths, options);
  const records = all.registries.flatMap((registry) => registry.records);
  const task = all.tasks.find((candidate) => candidate.id === id);
  const record =
    task === undefined
      ? recordNamed(id, records)
      : records.find((candidate) => candidate.path === task.target && candidate.id === task.problem);
  if (record === undefined) throw notFound(id, records, all);
  return {
    record,
    tasks: task === undefined ? tasksOf(all.tasks, record) : [task],
    diagnostics: all.diagnostics.filter((diagnostic) => isWithin(diagnostic, record)),
    all,
  };
}

export interface ExplainedTask {
  readonly task: Task;
  readonly explanation: Explanation;
  /** What earlier attempts have taught; absent unless the config has the profile `learned`. */
  readonly learned?: LearnedView;
}

/**
 * Explains why a task has its rank among all tasks of the scan. Of a record with several tasks, the first is explained.
 * @throws ProblemsError as `findRecord`, and `not-found` if the record has no task.
 */
export async function explainTask(id: string, options: FindRecordOptions): Promise<ExplainedTask> {
  const { record, tasks, all } = await findRecord(id, options);
  const [task] = tasks;
  const { learned } = all;
  const explanation =
    task === undefined ? undefined : explainPriority(task.id, all.tasks, options.config.priority, learned?.rescore);
  if (task === undefined || explanation === undefined) {
    throw new ProblemsError('not-found', `${record.id} has no task: it is a record of the kind ${record.kind}`);
  }
  return { task, explanation, ...(learned === undefined ? {} : { learned: learned.explain(task) }) };
}

function recordNamed(id: string, records: readonly ProblemRecord[]): ProblemRecord | undefined {
  const exact = records.find((record) => record.id === id);
  if (exact !== undefined) return exact;
  const [first, ...others] = records.filter((record) => record.id.endsWith(`/${id}`));
  if (others.length === 0) return first;
  throw new ProblemsError('bad-usage', `Several records have an id that ends in ${id}.`, {
    hint: `Name one of: ${[first, ...others].map((record) => record?.id).join(', ')}`,
  });
}

function tasksOf(tasks: readonly Task[], { path, id }: ProblemRecord): readonly Task[] {
  return tasks.filter((task) => task.target === path && task.problem === id);
}

function isWithin({ path, place }: Diagnostic, record: ProblemRecord): boolean {
  return path === record.path && place.offset >= record.place.offset && place.offset < record.place.endOffset;
}

function notFound(id: string, records: readonly ProblemRecord[], { tasks }: Evaluation): ProblemsError {
  const ids = [...records.map((record) => record.id), ...tasks.map((task) => task.id)];
  const meant = suggest(id, ids) ?? ids.find((candidate) => candidate.includes(id));
  const hint = meant === undefined ? '`problems scan --json` lists all ids.' : `Did you mean ${meant}?`;
  return new ProblemsError('not-found', `No record or task has the id ${id}.`, { hint });
}
