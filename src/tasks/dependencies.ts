import {
  comparePriorities,
  diagnose,
  type PrioritisedKind,
  type PrioritisedRecord,
  type Ranked,
  wordsOf,
} from '../priority/index.ts';
import type { Diagnostic } from '../registry/diagnostics.ts';
import { type Planned, isStanding } from './types.ts';

/** From each node, in the order that decides, to the nodes that it depends on. */
export type Graph<Node> = ReadonlyMap<Node, readonly Node[]>;

/**
 * Cuts every cycle: within one, only dependencies on nodes earlier in the graph's order remain. Returns the cycles, each
 * in the graph's order. Linear, and without recursion (Tarjan's strongly connected
 * components, SIAM J. Comput. 1, 1972).
 */
function breakCycles<Node>(graph: Graph<Node>): {
  readonly graph: Graph<Node>;
  readonly circles: readonly (readonly Node[])[];
} {
  const order = new Map([...graph.keys()].map((node, index) => [node, index]));
  const position = (node: Node): number => order.get(node) ?? -1;
  const components = componentsOf(graph);
  const componentOf = new Map(components.flatMap((component) => component.map((node) => [node, component])));
  const cut = [...graph].map(([node, targets]) => {
    const stays = (target: Node): boolean =>
      componentOf.get(target) !== componentOf.get(node) || position(target) < position(node);
    return [node, targets.filter(stays)] as const;
  });
  const circles = components
    .filter((component) => component.length > 1)
    .map((component) => component.toSorted((a, b) => position(a) - position(b)))
    .toSorted(([a], [b]) => (a === undefined || b === undefined ? 0 : position(a) - position(b)));
  return { graph: new Map(cut), circles };
}

interface Visit<Node> {
  readonly node: Node;
  readonly index: number;
  low: number;
  next: number;
  open: boolean;
}

function componentsOf<Node>(graph: Graph<Node>): readonly (readonly Node[])[] {
  const visits = new Map<Node, Visit<Node>>();
  const components: Node[][] = [];
  const open: Visit<Node>[] = [];
  const path: Visit<Node>[] = [];
  const enter = (node: Node): void => {
    const visit = { node, index: visits.size, low: visits.size, next: 0, open: true };
    visits.set(node, visit);
    open.push(visit);
    path.push(visit);
  };
  for (const root of graph.keys()) {
    if (!visits.has(root)) enter(root);
    for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) {
      const target = graph.get(visit.node)?.[visit.next];
      if (target !== undefined) {
        visit.next += 1;
        const seen = visits.get(target);
        if (seen === undefined) enter(target);
        else if (seen.open) visit.low = Math.min(visit.low, seen.index);
        continue;
      }
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) parent.low = Math.min(parent.low, visit.low);
      if (visit.low === visit.index) components.push(closeComponent(open, visit));
    }
  }
  return components;
}

function closeComponent<Node>(open: Visit<Node>[], root: Visit<Node>): Node[] {
  const members = open.splice(open.lastIndexOf(root));
  for (const member of members) member.open = false;
  return members.map(({ node }) => node);
}

/** Finds which records a text names, by id or title. */
export interface RecordIndex {
  named(by: PrioritisedKind, text: string): readonly PrioritisedKind[];
}

const longestName = 24;

const mostNames = 50;

const longestText = 2000;

const none: readonly number[] = [];

/**
 * Ids and titles count anywhere. A title of one word, which may be an ordinary word, counts only if it is a whole part,
 * between commas, semicolons and list items, or one of several names joined by `and`. If several records match, one of the
 * same registry is chosen, else one of the same component; if that is ambiguous, none. At most 50 names.
 */
function indexRecords(records: readonly PrioritisedKind[]): RecordIndex {
  const [byName, byWord] = [nameIndex(), nameIndex()];
  for (const record of records) {
    byName.add(wordsOf(record.id), record);
    const title = wordsOf(record.title);
    if (title.length > 0) (title.length === 1 ? byWord : byName).add(title, record);
  }
  return {
    named(by, text) {
      const found = new Set<PrioritisedKind>();
      const find = (record: PrioritisedKind | undefined): void => {
        if (record !== undefined && record !== by && found.size < mostNames) found.add(record);
      };
      const words = wordsOf(text);
      for (let start = 0; start < words.length;) {
        const name = longestNameAt(byName, words, start);
        if (name.length > 0) find(byName.meant(name, by));
        start += Math.max(1, name.length);
      }
      for (const part of byWord.isEmpty() ? [] : partsOf(text)) {
        const names = part.split(/\b(?:and|or)\b|&/i).map(wordsOf);
        if (names.every((name) => byName.has(name) || byWord.has(name))) {
          for (const name of names) find(byWord.meant(name, by));
        }
      }
      return [...found];
    },
  };
}

interface NameIndex {
  add(name: readonly string[], record: PrioritisedKind): void;
  has(name: readonly string[]): boolean;
  /** How many words names have that begin with a word, from the longest on. */
  lengthsFrom(word: string): readonly number[];
  isEmpty(): boolean;
  meant(name: readonly string[], by: PrioritisedKind): PrioritisedKind | undefined;
}

/** One entry for a name anywhere, in a registry and in a component, since thousands of records may share a title. */
function nameIndex(): NameIndex {
  const entries = new Map<string, PrioritisedKind | 'several'>();
  const lengths = new Map<string, readonly number[]>();
  const keyOf = (name: readonly string[]): string => name.slice(0, longestName).join(' ');
  return {
    add(name, record) {
      const key = keyOf(name);
      const [first = ''] = name;
      const known = lengths.get(first) ?? [];
      const length = Math.min(name.length, longestName);
      if (!known.includes(length)) {
        lengths.set(
          first,
          [...known, length].toSorted((a, b) => b - a),
        );
      }
      for (const one of [key, `${key}\n${record.path}`, `${key}\0${record.component}`]) {
        const other = entries.get(one);
        entries.set(one, other === undefined || other === record ? record : 'several');
      }
    },
    has: (name) => entries.has(keyOf(name)),
    lengthsFrom: (word) => lengths.get(word) ?? none,
    isEmpty: () => entries.size === 0,
    meant(name, by) {
      const key = keyOf(name);
      const one = entries.get(`${key}\n${by.path}`) ?? entries.get(`${key}\0${by.component}`) ?? entries.get(key);
      return one === 'several' ? undefined : one;
    },
  };
}

function longestNameAt(byName: NameIndex, words: readonly string[], start: number): readonly string[] {
  for (const length of byName.lengthsFrom(words[start] ?? '')) {
    const name = words.slice(start, start + length);
    if (name.length === length && byName.has(name)) return name;
  }
  return [];
}

/** The parts between commas, semicolons and list items, without item numbers and link targets. */
function partsOf(text: string): readonly string[] {
  return text
    .slice(0, longestText)
    .split(/[,;\n]/)
    .map((part) => part.replace(/^\s*\d+[.)]\s/, '').replaceAll(/\]\([^()]*\)/g, ']'));
}

const mostDependencies = 50;

/** The tasks that investigate and resolve a problem. */
interface Work {
  readonly entry: PrioritisedRecord;
  readonly investigation: Planned | undefined;
  readonly resolution: Planned | undefined;
}

/**
 * The ids that each task waits for, sorted. A resolution waits for the investigation of its own problem and for the
 * end of the open problems that its Related Issues name. What a pattern teaches is written down once the open problems
 * of its class in its registry, at most 50, are resolved. Cycles of Related Issues are cut by priority and reported.
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

/** Most registries name no related issues; then there is nothing to look up or to order. */
function waysBetween(works: ReadonlyMap<PrioritisedKind, Work>): ReturnType<typeof breakCycles<Work>> {
  const naming = [...works.values()].filter(({ entry }) => relatedIssues(entry.record) !== undefined);
  return naming.length === 0 ? { graph: new Map(), circles: [] } : breakCycles(relations(works));
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
  return { id: record.id, priority, estimates, ...isStanding(record) };
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
    `The Related Issues of ${names} form a cycle; the one with the higher priority comes first.`,
  );
}
