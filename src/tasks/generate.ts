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
import type { Registry } from '../registry/registry.ts';
import { dependenciesBetween } from './dependencies.ts';
import type { Draft } from './draft.ts';
import { draftsFromActive, flagsOf } from './from-record.ts';
import { draftsFromIntermittent } from './from-intermittent.ts';
import { draftsFromPattern } from './from-pattern.ts';
import { draftsFromResolved } from './from-resolved.ts';
import { type Planned, standing } from './planned.ts';
import { readPolicy } from './policy.ts';
import { hashed, taskId } from './task-id.ts';
import { triage, type TriageSettings } from './triage.ts';
import type { Task, Triage } from './types.ts';
import { isWanted } from './wanted.ts';

/** What tasks are made from: a registry as it was read. */
export type RegistryInput = Pick<Registry, 'path' | 'component' | 'records'>;

export interface GenerateOptions {
  /** Default: the published scales and weights. */
  readonly priority?: PrioritySettings;
  /** Default: what the registries say. */
  readonly triage?: TriageSettings;
  /** Default: none. */
  readonly learned?: LearnedEstimates;
  /** Failed attempts by id of the task, for its cooldown. Default: none. */
  readonly attempts?: ReadonlyMap<string, Attempts>;
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
    compare(a.path, b.path),
  );
  const results = sorted.map((registry) => planRegistry(registry, options));
  const planned = withUniqueIds(results.flatMap((result) => result.planned));
  const { dependencies, diagnostics } = dependenciesBetween(planned);
  const tasks = planned.map((plan) => taskOf(plan, dependencies.get(plan) ?? [], options));
  return {
    tasks: tasks.toSorted(comparePriorities),
    diagnostics: [...results.flatMap((result) => result.diagnostics), ...diagnostics].toSorted(
      (a, b) => compare(a.path, b.path) || a.place.offset - b.place.offset || compare(a.code, b.code),
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
): PlannedRegistry {
  const inOrder = records.toSorted((a, b) => a.place.offset - b.place.offset);
  const integration = inOrder.find((record) => record.kind === 'integration');
  const policy = readPolicy(integration);
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

/** Only where records share an id, which reading reports, would tasks do so too: the later ones get a hash. */
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
    ...standing(record),
    flags: record.kind === 'active' ? flagsOf(record) : [],
    dependencies,
    ...planned.triage,
    estimates,
    priority: failed === undefined ? planned.priority : computePriority(estimates, failed, priority),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
