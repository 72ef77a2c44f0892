import { explainTask, findRecord } from '../../app/find-record.ts';
import { editRegistry } from '../../app/edit-registry.ts';
import {
  fleet,
  forecast,
  leasePort,
  markdownLine,
  preflight,
  type PreflightQuestion,
  recommendLimits,
  remembered,
  sampledDays,
  statsOf,
} from '../../app/remediation.ts';
import { scanProblems } from '../../app/scan.ts';
import { openSwarm, type ProjectSwarm, type TaskOutcome } from '../../app/swarm.ts';
import { ProblemsError } from '../../errors.ts';
import { addItem, setField } from '../../registry/edit/index.ts';
import type { ProblemRecord } from '../../registry/record.ts';
import { diagnosticJson, scanJson, taskJson } from '../../reporters/json.ts';
import { inEngine, type OperationContext } from './context.ts';

/** Registries, queue and figures, each as its command prints it with --json. */

export async function scanAnswer({ project, now }: OperationContext): Promise<object> {
  return scanJson(await scanProblems(['.'], { ...project, now, cache: true }));
}

export interface ProblemRow {
  readonly id: string;
  readonly kind: string;
  readonly component: string;
  readonly severity: string | null;
  readonly status: string | null;
  /** Of its most urgent task; null without one. */
  readonly score: number | null;
  readonly path: string;
}

/** The records of the registries, the most urgent first; those without a task come last. */
export async function problemRows(
  { project, now }: OperationContext,
  filter: { readonly component?: string; readonly severity?: string; readonly status?: string },
): Promise<readonly ProblemRow[]> {
  const wanted = Object.fromEntries(
    Object.entries(filter).flatMap(([key, value]: [string, string | undefined]) =>
      value === undefined ? [] : [[key, [value]] as const],
    ),
  );
  const { records, tasks } = await scanProblems(['.'], { ...project, now, cache: true, filter: wanted });
  const scores = new Map(tasks.toReversed().map((task) => [task.problem, task.priority.score]));
  return records
    .map((record) => ({
      id: record.id,
      kind: record.kind,
      component: record.component,
      severity: 'severity' in record ? (record.severity ?? null) : null,
      status: 'status' in record ? (record.status ?? null) : null,
      score: scores.get(record.id) ?? null,
      path: record.path,
    }))
    .toSorted((a, b) => (b.score ?? -1) - (a.score ?? -1));
}

/** @throws ProblemsError `not-found`; `bad-usage`: several records have an id that ends so. */
export async function recordAnswer({ project, now }: OperationContext, id: string): Promise<object> {
  const { record, tasks, diagnostics } = await findRecord(id, { ...project, now, cache: true });
  return { schemaVersion: 1, record, tasks: tasks.map(taskJson), diagnostics: diagnostics.map(diagnosticJson) };
}

/** @throws ProblemsError as `recordAnswer`; `not-found`: the record has no task. */
export async function explanationAnswer({ project, now }: OperationContext, id: string): Promise<object> {
  const { task, explanation } = await explainTask(id, { ...project, now, cache: true });
  const { rank, of, above, changes, waiting } = explanation;
  return { schemaVersion: 1, task: taskJson(task), rank, of, above, changes, waiting };
}

/** The queue as it is. Reading the registries into it is left to the rounds. */
export async function tasksAnswer(context: OperationContext): Promise<object> {
  const found = await inQueue(context, (queue) => queue.tasks());
  const ended: readonly string[] = ['done', 'withdrawn', 'cancelled'];
  const shown = found.filter(({ status }) => !ended.includes(status.state));
  return { schemaVersion: 1, tasks: shown.map((entry) => ({ ...entry, task: taskJson(entry.task) })) };
}

async function inQueue<Result>(
  { project, now }: OperationContext,
  work: (queue: ProjectSwarm) => Promise<Result>,
): Promise<Result> {
  const queue = await openSwarm({ ...project, now });
  try {
    return await work(queue);
  } finally {
    queue.close();
  }
}

const dayMs = 86_400_000;

/** @param since Default: 30 days ago. */
export async function statsAnswer(context: OperationContext, engine?: string, since?: Date): Promise<object> {
  const outcomes = await inQueue(context, allOutcomes);
  const history = await inEngine(context, engine, (remediation) => remembered(remediation, outcomes));
  return { schemaVersion: 1, ...statsOf(history, since ?? new Date(context.now().getTime() - 30 * dayMs)) };
}

async function allOutcomes(queue: ProjectSwarm): Promise<readonly TaskOutcome[]> {
  const found: TaskOutcome[] = [];
  for (;;) {
    const page = await queue.outcomes({ after: found.at(-1)?.seq ?? 0, limit: 1_000 });
    found.push(...page);
    if (page.length < 1_000) return found;
  }
}

export async function forecastAnswer(context: OperationContext, engine?: string): Promise<object> {
  return { schemaVersion: 1, ...(await inEngine(context, engine, (remediation) => forecast(remediation))) };
}

export async function fleetAnswer(context: OperationContext, engine?: string): Promise<object> {
  return inEngine(context, engine, async (remediation) => {
    const found = await fleet(remediation);
    return { schemaVersion: 1, ...found, recommendation: recommendLimits(found, await sampledDays(remediation)) };
  });
}

export async function preflightAnswer(
  context: OperationContext,
  question: PreflightQuestion,
  engine?: string,
): Promise<object> {
  const answers = await inEngine(context, engine, (remediation) => preflight(remediation, question));
  return { schemaVersion: 1, ok: answers.every(({ ok }) => ok), answers };
}

/** How long a leased port waits for its container. */
const leaseMs = 10 * 60_000;

export async function leaseAnswer(context: OperationContext, instance: string, engine?: string): Promise<object> {
  const lease = await inEngine(context, engine, (remediation) => leasePort(remediation, { instance, ttlMs: leaseMs }));
  return { schemaVersion: 1, lease: lease ?? null };
}

/** An attempt at a problem: what was done, and whether it helped. Data, as everything that an agent says. */
export interface Attempt {
  readonly what: string;
  readonly worked: boolean;
  readonly evidence?: string | undefined;
}

/**
 * Writes an attempt into the registry, as the engine writes its own: under Attempted Solutions, or under the Investigation
 * Notes of an intermittent problem. The same attempt on one day is written once.
 * @throws ProblemsError `not-found`; `bad-usage`: the record is of another kind; those of `editRegistry`.
 */
export async function reportAttempt(
  context: OperationContext,
  id: string,
  { what, worked, evidence }: Attempt,
): Promise<{ readonly written: boolean }> {
  const { project, now, by } = context;
  const { record } = await findRecord(id, { ...project, now, cache: true });
  const day = now().toISOString().slice(0, 10);
  const seen = evidence === undefined || evidence === '' ? '' : `: ${evidence}`;
  const said = markdownLine(`${day}: ${by} tried: ${what}; ${worked ? 'it helped' : 'it did not help'}${seen}`);
  const line = said.slice(0, 500);
  const written = await editRegistry(record.path, project.cwd, (text) => withAttempt(text, record, line));
  return { written };
}

function withAttempt(text: string, record: ProblemRecord, line: string): string {
  const place = { path: record.path, component: record.component };
  if (record.kind === 'intermittent')
    return record.investigationNotes?.includes(line) === true
      ? text
      : addItem(text, record.id, 'Investigation Notes', line, place);
  if (record.kind !== 'active')
    throw new ProblemsError('bad-usage', `${record.id} is a record of the kind ${record.kind}: it takes no attempts.`);
  const before = record.investigationStatus?.attemptedSolutions;
  if (before?.includes(line) === true) return text;
  const value = before === undefined ? line : `${before}\n${line}`;
  return setField(text, record.id, 'Investigation Status', 'Attempted Solutions', value, place);
}
