import type { Config } from '../config/config.ts';
import { ProblemsError } from '../errors.ts';
import { explainPriority, type Explanation } from '../priority/index.ts';
import type { ProblemRecord } from '../registry/record.ts';
import type { Task } from '../tasks/types.ts';
import { suggest } from '../util/suggest.ts';
import { tasksOf } from './choosing.ts';
import type { Invocation } from './command.ts';
import { type Evaluation, findProblems } from './findings.ts';
import { configFor, type lookUpOptions } from './shared-options.ts';

export interface LookUp {
  readonly record: ProblemRecord;
  /** The one that was asked for, or all of the record, highest priority first. */
  readonly tasks: readonly Task[];
  readonly findings: Evaluation;
  readonly config: Config;
}

type LookUpInvocation = Invocation<typeof lookUpOptions>;

/**
 * Finds the record or task that an id means.
 * @throws ProblemsError `not-found`, with the nearest id; `bad-usage` where the last part of an id fits several records.
 */
export async function lookUp({
  arguments: [id = '', ...paths],
  options,
  cwd,
  now,
  signal,
}: LookUpInvocation): Promise<LookUp> {
  const config = await configFor(options, cwd);
  const wanted = paths.length === 0 ? ['.'] : paths;
  const findings = await findProblems(wanted, { config, cwd, now, signal, tasksDir: config.tasksDir, cache: true });
  const records = findings.registries.flatMap((registry) => registry.records);
  const task = findings.tasks.find((candidate) => candidate.id === id);
  const record =
    task === undefined
      ? recordOf(id, records)
      : records.find(({ path, id: own }) => path === task.target && own === task.problem);
  if (record === undefined) throw notFound(id, records, findings);
  return { record, tasks: task === undefined ? tasksOf(findings.tasks, record) : [task], findings, config };
}

/**
 * The task that an id means and why it stands where it stands among all tasks of the scan.
 * @throws ProblemsError as `lookUp` does, and `not-found` where a record has no task.
 */
export async function explainTask(
  invocation: LookUpInvocation,
): Promise<{ readonly task: Task; readonly explanation: Explanation }> {
  const { record, tasks, findings, config } = await lookUp(invocation);
  const [task] = tasks;
  const explanation = task === undefined ? undefined : explainPriority(task.id, findings.tasks, config.priority);
  if (task === undefined || explanation === undefined) {
    throw new ProblemsError('not-found', `no task follows from ${record.id}, which is of the kind ${record.kind}`);
  }
  return { task, explanation };
}

function recordOf(id: string, records: readonly ProblemRecord[]): ProblemRecord | undefined {
  const exact = records.find((record) => record.id === id);
  if (exact !== undefined) return exact;
  const [first, ...others] = records.filter((record) => record.id.endsWith(`/${id}`));
  if (others.length === 0) return first;
  throw new ProblemsError('bad-usage', `several records have an id that ends in ${id}`, {
    hint: `Name one of: ${[first, ...others].map((record) => record?.id).join(', ')}`,
  });
}

function notFound(id: string, records: readonly ProblemRecord[], { tasks }: Evaluation): ProblemsError {
  const ids = [...records.map((record) => record.id), ...tasks.map((task) => task.id)];
  const meant = suggest(id, ids) ?? ids.find((candidate) => candidate.includes(id));
  const hint = meant === undefined ? '`problems scan --json` lists all ids.' : `Did you mean ${meant}?`;
  return new ProblemsError('not-found', `there is no record or task ${id}`, { hint });
}
