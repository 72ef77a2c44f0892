import {
  comparePriorities,
  diagnose,
  type PrioritisedKind,
  type PrioritisedRecord,
  type Ranked,
} from '../priority/index.ts';
import type { Diagnostic } from '../registry/diagnostics.ts';
import { cutCircles, type Graph } from './circles.ts';
import { type Planned, standing } from './planned.ts';
import { indexRecords } from './related.ts';

const mostDependencies = 50;

/** The tasks by which a problem is understood and ended. */
interface Work {
  readonly entry: PrioritisedRecord;
  readonly investigation: Planned | undefined;
  readonly resolution: Planned | undefined;
}

/**
 * The ids that each task waits for, sorted. A resolution waits for the investigation of its own problem and for the
 * end of the open problems that its Related Issues name. What a pattern teaches is written down once the open problems
 * of its class in its registry, at most 50, are resolved. Related Issues that lead in a circle are cut by priority and reported.
 */
export function dependenciesBetween(planned: readonly Planned[]): {
  readonly dependencies: ReadonlyMap<Planned, readonly string[]>;
  readonly diagnostics: readonly Diagnostic[];
} {
  const works = workByRecord(planned);
  const { graph, circles } = waysBetween(works);
  const resolutions = resolutionsByClass(planned);
  const dependencies = new Map<Planned, readonly string[]>();
  for (const task of planned) {
    const first: (Planned | undefined)[] = [];
    if (task.draft.kind === 'resolution') {
      const work = works.get(task.record);
      if (work !== undefined) first.push(work.investigation, ...(graph.get(work) ?? []).map(lastTask));
    } else if (task.draft.kind === 'documentation' && task.record.kind === 'pattern') {
      first.push(...(resolutions.get(classKey(task)) ?? []).slice(0, mostDependencies));
    }
    const ids = first.filter((one) => one !== undefined).map(({ id }) => id);
    if (ids.length > 0) dependencies.set(task, [...new Set(ids)].toSorted());
  }
  return { dependencies, diagnostics: circles.map(reportCircle) };
}

function workByRecord(planned: readonly Planned[]): ReadonlyMap<PrioritisedKind, Work> {
  const works = new Map<PrioritisedKind, Work>();
  for (const task of planned) {
    const { kind } = task.draft;
    const known = works.get(task.record);
    works.set(task.record, {
      entry: known?.entry ?? task,
      investigation: kind === 'investigation' ? task : known?.investigation,
      resolution: kind === 'resolution' ? task : known?.resolution,
    });
  }
  return works;
}

/** Most registries name no related issues, and then there is neither a name to look up nor an order to keep. */
function waysBetween(works: ReadonlyMap<PrioritisedKind, Work>): ReturnType<typeof cutCircles<Work>> {
  const naming = [...works.values()].filter(({ entry }) => relatedIssues(entry.record) !== undefined);
  return naming.length === 0 ? { graph: new Map(), circles: [] } : cutCircles(relations(works));
}

/** In the order of priority. */
function relations(works: ReadonlyMap<PrioritisedKind, Work>): Graph<Work> {
  const index = indexRecords([...works.keys()]);
  const inOrder = [...works.values()]
    .map((work) => ({ work, rank: ranked(work.entry) }))
    .toSorted((a, b) => comparePriorities(a.rank, b.rank));
  return new Map(
    inOrder.map(({ work }) => {
      const { record } = work.entry;
      const text = relatedIssues(record);
      const named = text === undefined ? [] : index.named(record, text);
      return [work, named.map((other) => works.get(other)).filter((other) => other !== undefined)];
    }),
  );
}

function relatedIssues(record: PrioritisedKind): string | undefined {
  return record.kind === 'active' ? record.investigationStatus?.relatedIssues : undefined;
}

function lastTask({ resolution, investigation }: Work): Planned | undefined {
  return resolution ?? investigation;
}

function resolutionsByClass(planned: readonly Planned[]): ReadonlyMap<string, readonly Planned[]> {
  const groups = new Map<string, Planned[]>();
  for (const task of planned) {
    if (task.draft.kind !== 'resolution' || task.triage.class === 'other') continue;
    const group = groups.get(classKey(task));
    if (group === undefined) groups.set(classKey(task), [task]);
    else group.push(task);
  }
  return groups;
}

function classKey({ record, triage }: Planned): string {
  return `${triage.class} ${record.path}`;
}

function ranked({ record, estimates, priority }: PrioritisedRecord): Ranked {
  return { id: record.id, priority, estimates, ...standing(record) };
}

function reportCircle(circle: readonly Work[]): Diagnostic {
  const records = circle.map(({ entry }) => entry.record);
  const first = records.reduce((a, b) =>
    b.path < a.path || (b.path === a.path && b.place.offset < a.place.offset) ? b : a,
  );
  const shown = records.slice(0, 5).map(({ id }) => id);
  const others = records.length - shown.length;
  const names = others === 0 ? shown.join(', ') : `${shown.join(', ')} and ${others} more`;
  return diagnose(
    'dependency-cycle',
    first,
    ['investigationStatus.relatedIssues', 'title'],
    `The Related Issues of ${names} lead in a circle; the one with the higher priority goes first.`,
  );
}
