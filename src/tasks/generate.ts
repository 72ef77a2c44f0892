import { shortHash } from '../registry/identity.ts';
import { compareText } from '../util/compare.ts';
import {
  type Attempts,
  comparePriorities,
  computePriority,
  type LearnedEstimates,
  prioritise,
  type PrioritisedKind,
  type PrioritySettings,
} from '../priority/index.ts';
import type { Diagnostic } from '../registry/diagnostics.ts';
import type { ProblemIntegration } from '../registry/record.ts';
import type { Registry } from '../registry/registry.ts';
import { type Classifier, classifierWith } from './classify.ts';
import { dependenciesBetween } from './dependencies.ts';
import {
  draftsFromActive,
  draftsFromIntermittent,
  draftsFromPattern,
  draftsFromResolved,
  flagsOf,
} from './from-record.ts';
import { wantsNoTasks } from './negation.ts';
import { readPolicy } from './policy.ts';
import { triage, type TriageSettings } from './triage.ts';
import { type Claims, type Draft, type Planned, isStanding, type Task, type TaskKind, type Triage } from './types.ts';

const longest = 100;

/**
 * The id of a task: its kind, the problem's id with `--` for each slash, and its topic. Different problems have different
 * ids: a hash at the end distinguishes ids that are too long, or equal after reduction to `a-z`, digits and dashes.
 */
export function taskId(kind: string, problem: string, topic?: string): string {
  const whole = [kind, problem, ...(topic === undefined ? [] : [topic])];
  const plain = `${kind}-${whole.slice(1).map(slugged).join('--')}`;
  const usual = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\/[a-z0-9]+(?:-[a-z0-9]+)*)*$/.test(problem);
  return usual && plain.length <= longest ? plain : hashed(plain, whole.join('\n'));
}

/** An id with a hash at its end, for ids that would be equal without it. */
function hashed(id: string, content: string): string {
  return `${id.slice(0, longest - 9).replace(/-+$/, '')}-${shortHash(content)}`;
}

function slugged(text: string): string {
  const parts = text.toLowerCase().split('/');
  return parts.map((part) => part.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, '')).join('--');
}

type GenerationLine = keyof NonNullable<ProblemIntegration['taskGeneration']>;

/**
 * Whether a registry wants tasks of a kind from records of a kind. Without an integration block, or without readable Task
 * Generation lines, it wants all. Otherwise each line enables some tasks; if it is absent or says none, they are not made.
 */
function isWanted(
  task: TaskKind,
  record: PrioritisedKind['kind'],
  integration: ProblemIntegration | undefined,
): boolean {
  const lines = integration?.taskGeneration;
  if (lines === undefined || Object.keys(lines).length === 0) return true;
  const line = lines[lineFor(task, record)];
  return line !== undefined && !wantsNoTasks(line);
}

function lineFor(task: TaskKind, record: PrioritisedKind['kind']): GenerationLine {
  if (task === 'documentation') return 'knowledgeGaps';
  if (task === 'monitoring') return 'monitoringImprovements';
  return record === 'active' ? 'activeIssues' : 'patternRecognition';
}

/** The input for tasks: a registry as it was read. */
export type RegistryInput = Pick<Registry, 'path' | 'component' | 'records'>;

export interface GenerateOptions {
  /** Default: the published scales and weights. */
  readonly priority?: PrioritySettings;
  /** Default: the policies of the registries. */
  readonly triage?: TriageSettings;
  /** Default: none. */
  readonly learned?: LearnedEstimates;
  /** Failed attempts by id of the task, for its cooldown. Default: none. */
  readonly attempts?: ReadonlyMap<string, Attempts>;
  /** What the remediators of plugins claim, by name, besides the built-in ones. Default: none. */
  readonly claims?: Readonly<Record<string, Claims>>;
}

/**
 * The tasks of a scan, highest priority first, by the rules of docs/tasks.md. The same registries give the same ids,
 * order and text, in whatever order they come. A registry counts once by its path. Diagnostics, by path and place:
 * `estimate-contradiction`, `score-tie`, `dependency-cycle`.
 */
export function generateTasks(
  registries: readonly RegistryInput[],
  options: GenerateOptions = {},
): { readonly tasks: readonly Task[]; readonly diagnostics: readonly Diagnostic[] } {
  const sorted = [...new Map(registries.map((registry) => [registry.path, registry])).values()].toSorted((a, b) =>
    compareText(a.path, b.path),
  );
  const classifier = classifierWith(options.claims);
  const results = sorted.map((registry) => planRegistry(registry, options, classifier));
  const planned = withUniqueIds(results.flatMap((result) => result.planned));
  const { dependencies, diagnostics } = dependenciesBetween(planned);
  const tasks = planned.map((plan) => taskOf(plan, dependencies.get(plan) ?? [], options));
  return {
    tasks: tasks.toSorted(comparePriorities),
    diagnostics: [...results.flatMap((result) => result.diagnostics), ...diagnostics].toSorted(
      (a, b) => compareText(a.path, b.path) || a.place.offset - b.place.offset || compareText(a.code, b.code),
    ),
  };
}

interface PlannedRegistry {
  readonly planned: readonly Planned[];
  readonly diagnostics: readonly Diagnostic[];
}

function planRegistry(
  { records }: RegistryInput,
  { priority, learned, triage: settings }: GenerateOptions,
  classifier: Classifier,
): PlannedRegistry {
  // What could not be read makes no task, but a registry's own policy holds as far as it can be read.
  const inOrder = records
    .filter(({ kind, unreadable }) => kind === 'integration' || unreadable === undefined)
    .toSorted((a, b) => a.place.offset - b.place.offset);
  const integration = inOrder.find((record) => record.kind === 'integration');
  const policy = readPolicy(integration, classifier);
  const prioritised = prioritise(inOrder, {
    ...(priority === undefined ? {} : { settings: priority }),
    ...(learned === undefined ? {} : { learned }),
  });
  const planned = prioritised.records.flatMap((entry) => {
    const { record } = entry;
    const decided = triage(record, policy, settings);
    return draftsFrom(record)
      .filter(({ kind }) => isWanted(kind, record.kind, integration))
      .map((draft) => ({
        ...entry,
        draft,
        id: taskId(draft.kind, record.id, draft.topic),
        triage: changesInstances(draft) ? decided : withoutRemediator(decided, draft),
      }));
  });
  return { planned, diagnostics: prioritised.diagnostics };
}

function changesInstances({ kind }: Draft): boolean {
  return kind === 'resolution' || kind === 'investigation';
}

function withoutRemediator(decided: Triage, { kind }: Draft): Triage {
  if (decided.handler === 'agent' || decided.handler === 'person') return decided;
  const handler = decided.automation === 'human' ? 'person' : 'agent';
  return { ...decided, handler, handlerReason: `A ${kind} task changes no instance.` };
}

function draftsFrom(record: PrioritisedKind): readonly Draft[] {
  switch (record.kind) {
    case 'active':
      return draftsFromActive(record);
    case 'intermittent':
      return draftsFromIntermittent(record);
    case 'pattern':
      return draftsFromPattern(record);
    case 'resolved':
      return draftsFromResolved(record);
  }
}

/** Tasks share an id only if their records do, which is reported when reading; the later ones get a hash. */
function withUniqueIds(planned: readonly Planned[]): readonly Planned[] {
  const taken = new Set<string>();
  return planned.map((entry) => {
    let { id } = entry;
    for (let copy = 1; taken.has(id); copy += 1)
      id = hashed(entry.id, `${entry.record.path}\n${entry.record.title}\n${copy}`);
    taken.add(id);
    return id === entry.id ? entry : { ...entry, id };
  });
}

function taskOf(planned: Planned, dependencies: readonly string[], { priority, attempts }: GenerateOptions): Task {
  const { record, draft, estimates } = planned;
  const failed = attempts?.get(planned.id);
  return {
    id: planned.id,
    kind: draft.kind,
    title: draft.title,
    description: draft.description,
    problem: record.id,
    component: record.component,
    target: record.path,
    ...isStanding(record),
    flags: record.kind === 'active' ? flagsOf(record) : [],
    dependencies,
    ...planned.triage,
    estimates,
    priority: failed === undefined ? planned.priority : computePriority(estimates, failed, priority),
  };
}
