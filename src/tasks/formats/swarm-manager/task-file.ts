import type { Task, TaskKind } from '../../types.ts';

/** The content of a task file, by key. */
export type TaskValues = Readonly<Record<string, unknown>>;

export function isMapping(value: unknown): value is TaskValues {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Reads the YAML of one task. Times stay text, and anchors are refused, so that a small file cannot become a large one.
 * @throws an error for invalid YAML, with a readable message.
 */
export async function parseTask(text: string): Promise<TaskValues> {
  const { load } = await import('js-yaml');
  const value = load(text, { maxDepth: 50, maxAliases: 0 });
  if (!isMapping(value)) throw new TypeError('it is not a mapping');
  return value;
}

/**
 * Writes the YAML of one task: keys in their order at column 0, the title in double quotes and on one line, because the
 * swarm-manager's command line reads `id:`, `title: "…"`, `type:` and `priority_score:` by grep.
 */
export async function formatTask(values: TaskValues): Promise<string> {
  const { dump, DUMP_SCHEMA, SCALAR_STYLE, Schema, timestampTag } = await import('js-yaml');
  return dump(values, {
    // Times are plain, as the swarm-manager writes them.
    schema: new Schema(DUMP_SCHEMA.tags.filter((tag) => tag !== timestampTag)),
    lineWidth: -1,
    noRefs: true,
    quoteStyle: 'double',
    transform(documents) {
      for (const { contents } of documents) {
        if (contents?.kind !== 'mapping') continue;
        for (const { key, value } of contents.items) {
          if (key.kind === 'scalar' && key.value === 'title' && value.kind === 'scalar') {
            value.style = SCALAR_STYLE.DOUBLE_QUOTED;
          }
        }
      }
    },
  });
}

const types: Readonly<Record<TaskKind, string>> = {
  resolution: 'problem-resolution',
  investigation: 'planning',
  prevention: 'optimization',
  monitoring: 'monitoring',
  documentation: 'documentation',
};

/** A task as a new file: the swarm-manager's keys, in its order. `attempts` come from an earlier file of the task. */
export function newTaskFile(
  task: Task,
  score: number,
  {
    now,
    attempts,
    isForPeople,
  }: { readonly now: Date; readonly attempts: readonly TaskValues[]; readonly isForPeople: boolean },
): TaskValues {
  return {
    id: task.id,
    title: task.title,
    description: describe(task),
    type: types[task.kind],
    target: task.target,
    // Agents have other names. A task with it is in `backlog/people`, where they do not look.
    assigned_agent: isForPeople ? 'person' : null,
    priority_estimates: estimatesOf(task),
    // Always a number: the swarm-manager sends tasks without one to a language model every minute.
    priority_score: score,
    dependencies: task.dependencies,
    blockers: [],
    created_at: now.toISOString(),
    created_by: 'problem-scanner',
    analyzed_at: null,
    started_at: null,
    completed_at: null,
    attempts,
    notes: `Auto-generated from problem: ${task.problem}`,
  };
}

/**
 * The values of an existing file that differ from the registry, by key. Once someone has analysed the task
 * (`analyzed_at`), its estimates and score are not changed.
 */
export function changesOf(existing: TaskValues, task: Task, score: number, isForPeople: boolean): TaskValues {
  const before = existing['priority_estimates'];
  const own: TaskValues = {
    id: task.id,
    title: task.title,
    description: describe(task),
    type: types[task.kind],
    target: task.target,
    ...assigneeOf(existing, isForPeople),
    dependencies: task.dependencies,
    ...(isAnalysed(existing)
      ? {}
      : {
          priority_estimates: { ...(isMapping(before) ? before : {}), ...estimatesOf(task) },
          priority_score: score,
        }),
  };
  const changed = Object.entries(own).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(existing[key]));
  return Object.fromEntries(changed);
}

/** Whoever else is named keeps the task. */
function assigneeOf({ assigned_agent: before = null }: TaskValues, isForPeople: boolean): TaskValues {
  if (isForPeople) return before === null || before === '' ? { assigned_agent: 'person' } : {};
  return before === 'person' ? { assigned_agent: null } : {};
}

function isAnalysed(existing: TaskValues): boolean {
  const { analyzed_at: at, priority_score: score } = existing;
  return typeof at === 'string' && at !== '' && !at.startsWith('0001-') && Number.isFinite(score);
}

function estimatesOf({ estimates }: Task): TaskValues {
  return {
    impact: estimates.impact.value,
    urgency: estimates.urgency.value,
    success_prob: estimates.successProb.value,
    resource_cost: estimates.resourceCost.value,
  };
}

/** Tells whether the task may run unattended, for which the swarm-manager has no key. */
function describe(task: Task): string {
  const triage = [
    `Class: ${task.class}. ${task.classReason}`,
    `Handler: ${task.handler}. ${task.handlerReason}`,
    `Automation: ${task.automation}. ${task.automationReason}`,
    ...(task.flags.length === 0 ? [] : [`Flags: ${task.flags.join(', ')}`]),
  ].join('\n');
  return task.description === '' ? triage : `${task.description}\n\n${triage}`;
}
