import { existsSync, realpathSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { createLearned, type Learned } from '../learning/history.ts';
import { eventsOfPast, mostPast, type PastAttempt, type Weighted } from '../learning/past.ts';
import type { RecordView } from '../learning/types.ts';
import { instantOf } from '../priority/index.ts';
import type { RunRecord } from '../remediation/store/store.ts';
import { projectOf } from '../scan/projects.ts';
import type { SwarmStore } from '../swarm/store.ts';
import type { TaskOutcome } from '../swarm/types.ts';
import { classifierWith } from '../tasks/classify.ts';
import type { Task } from '../tasks/types.ts';
import { type LearningFile, learningFileOf, readLearningFile } from './learning-file.ts';
import { findingsOf, hourOf, isRepairKind, pastAttempts, viewOfTask } from './learning-history.ts';
import { findStateFile } from './state-file.ts';

/** What was learned about a project, and from what. */
export interface Learning {
  readonly learned: Learned;
  /** In no particular order. */
  readonly past: readonly PastAttempt[];
  /** The attempts that count, and what followed from them, in the order of time. */
  readonly events: readonly Weighted[];
  /** RFC 3339: attempts that ended earlier are left out. */
  readonly since: string | undefined;
  /** What an attempt counts for that was only reported. */
  readonly reported: number;
  /** Path of the file of `problems learn`; undefined if there is no state file that it could be next to. */
  readonly file: string | undefined;
  /** A task as the estimates see it. */
  readonly viewOf: (task: Task) => RecordView;
}

export interface LearningOptions {
  readonly config: Config;
  /** The tasks of the project as the registries have them now. */
  readonly tasks: readonly Task[];
  /** A tasks folder to read attempts from. */
  readonly tasksDir?: string | undefined;
  /** The queue, if it is open already; it stays open. */
  readonly store?: SwarmStore;
}

const usualReported = 0.5;

/** Of the journal, the newest. */
const mostRuns = 5_000;

/**
 * Reads what the queue, the journal, the tasks folder and `problems learn import` have, and learns from it. Writes nothing and
 * makes no state file.
 * @throws ProblemsError as opening the state file or the queue does.
 */
export async function openLearning(options: LearningOptions): Promise<Learning> {
  const { config, tasks } = options;
  const { reported = usualReported, halfLifeDays } = config.learning;
  const [remembered, classifier, files] = await Promise.all([
    readMemory(options),
    config.plugins.length === 0
      ? classifierWith()
      : import('./plugins.ts').then(async ({ pluginClaims }) => classifierWith(await pluginClaims(config))),
    readFiles(options.tasksDir),
  ]);
  const { outcomes, runs, file, kept, known } = remembered;
  const repairs = new Map(tasks.filter(isRepairKind).map((task) => [task.problem, task]));
  const byId = new Map([...known, ...tasks].map((task) => [task.id, task]));
  const past = pastAttempts({
    outcomes,
    runs,
    files,
    imported: kept.imported,
    taskOf: (id) => byId.get(id),
    repairOf: (problem) => repairs.get(problem),
    classifier,
  });
  const since = latestOf(kept.since, config.learning.since);
  const findings = findingsOf(runs.map(({ run }) => run));
  const viewOf = (task: Task) => viewOfTask(task, classifier, findings.get(task.problem));
  const learned = createLearned(config.priority, halfLifeDays);
  const settings = { reported, ...(since === undefined ? {} : { since: hourOf(Date.parse(since)) }) };
  const events = eventsOfPast(past, settings, lastSeen(tasks));
  for (const { event, weight } of events) learned.observe(event, weight);
  return { learned, past, events, since, reported, file, viewOf };
}

interface Memory {
  readonly outcomes: readonly TaskOutcome[];
  readonly runs: readonly { readonly run: RunRecord; readonly isSigned: boolean }[];
  /** Tasks of the queue that no registry asks for any more. */
  readonly known: readonly Task[];
  readonly file: string | undefined;
  readonly kept: LearningFile;
}

const nothing: Memory = {
  outcomes: [],
  runs: [],
  known: [],
  file: undefined,
  kept: { since: undefined, imported: [] },
};

async function readMemory({ config, tasks, store }: LearningOptions): Promise<Memory> {
  const project = projectFolder(config);
  const path = await stateFileOf(config);
  const local = path === undefined ? undefined : await readState(path, config.folder, project);
  const isElsewhere = config.swarm.store !== undefined;
  if (store === undefined && !isElsewhere && local === undefined) return nothing;
  const { queue, close } =
    store === undefined ? await openQueue(config, path ?? '', project) : { queue: store, close: () => undefined };
  try {
    const outcomes = await outcomesOf(queue);
    const wanted = new Set(outcomes.map(({ task }) => task));
    for (const { id } of tasks) wanted.delete(id);
    const known = wanted.size === 0 ? [] : (await queue.list({ ids: [...wanted] })).map(({ task }) => task);
    return { ...nothing, ...local, outcomes, known };
  } finally {
    close();
  }
}

async function openQueue(config: Config, path: string, project: string) {
  if (config.swarm.store !== undefined) {
    const { openStore } = await import('./swarm-store.ts');
    const { store } = await openStore({ config, store: undefined, folder: project, now: undefined });
    return { queue: store, close: () => store.close() };
  }
  const { openSqliteSwarm } = await import('../swarm/sqlite/store.ts');
  const queue = await openSqliteSwarm(path, { project });
  return { queue, close: () => queue.close() };
}

/** All outcomes, or as many of the latest as are learned from. */
async function outcomesOf(queue: Pick<SwarmStore, 'outcomes'>): Promise<readonly TaskOutcome[]> {
  const found: TaskOutcome[] = [];
  const limit = 10_000;
  for (;;) {
    const page = await queue.outcomes({ after: found.at(-1)?.seq ?? 0, limit });
    found.push(...page);
    if (found.length > 2 * mostPast) found.splice(0, found.length - mostPast);
    if (page.length < limit) return found;
  }
}

async function readState(
  path: string,
  folder: string,
  project: string,
): Promise<Pick<Memory, 'runs' | 'file' | 'kept'>> {
  const { openSqliteStore } = await import('../remediation/store/sqlite/store.ts');
  const store = await openSqliteStore(path);
  const file = learningFileOf(path, project);
  try {
    const runs = await store.runs.list({ project: folder, limit: mostRuns });
    const signed = await Promise.all(runs.map(async (run) => ({ run, isSigned: await store.runs.isSigned(run.id) })));
    return { runs: signed, file, kept: readLearningFile(file) };
  } finally {
    store.close();
  }
}

/** The state file of the project, if there is one. */
async function stateFileOf({ folder, remediation: { state } }: Config): Promise<string | undefined> {
  const { openHost } = await import('./open-host.ts');
  const place = await findStateFile({
    folder,
    stated: typeof state === 'string' ? state : undefined,
    docker: openHost({ roots: [folder] }).reader.docker,
    onlyLooking: true,
  });
  return place !== undefined && existsSync(place.path) ? place.path : undefined;
}

/** The folder that the queue and the journal name the project by. */
function projectFolder({ file, folder }: Config): string {
  const real = realpathSync.native(folder);
  return projectOf(real, file === undefined ? undefined : folder) ?? real;
}

async function readFiles(tasksDir: string | undefined) {
  if (tasksDir === undefined) return [];
  const { readBacklog } = await import('../tasks/formats/swarm-manager/index.ts');
  return (await readBacklog(tasksDir)).entries;
}

function lastSeen(tasks: readonly Task[]): ReadonlyMap<string, number> {
  return new Map(
    tasks.filter(isRepairKind).flatMap(({ problem, lastOccurrence }) => {
      const at = instantOf(lastOccurrence);
      return at === undefined ? [] : [[problem, hourOf(at)] as const];
    }),
  );
}

function latestOf(...times: readonly (string | undefined)[]): string | undefined {
  return times.reduce((latest, time) => {
    if (time === undefined || latest === undefined) return latest ?? time;
    return Date.parse(time) > Date.parse(latest) ? time : latest;
  }, undefined);
}
