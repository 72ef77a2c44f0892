import type { Config } from '../config/config.ts';
import { ProblemsError } from '../errors.ts';
import { comparePast, type PastAttempt } from '../learning/past.ts';
import { recordOfGiven } from '../learning/given-forecasts.ts';
import { type AttemptRecord, recordOfAttempts } from '../learning/past-forecasts.ts';
import { trustOf } from '../learning/rank.ts';
import type { Interval } from '../learning/types.ts';
import type { Task } from '../tasks/types.ts';
import { compareText } from '../util/compare.ts';
import type { Learning } from './learned.ts';
import { type ScanEnvironment, scanProblems } from './scan.ts';

export interface LearnOptions extends ScanEnvironment {
  readonly now?: (() => Date) | undefined;
}

/** What was learned, and from what. */
export interface LearnedState {
  /** Whether scans and the queue use it: the profile is `learned`, and the config does not switch it off. */
  readonly isUsed: boolean;
  /** RFC 3339 or a day: attempts that ended earlier are left out; null if none is. */
  readonly since: string | null;
  /** What a reported attempt counts for at most. */
  readonly reported: number;
  /** How much all of it counts in a score, 0 to 1. */
  readonly trust: number;
  /** By handler and topic. */
  readonly patterns: readonly LearnedPattern[];
  /** How forecasts of these attempts would have done, each from those before it; null without one. */
  readonly record: AttemptRecord | null;
}

/** How one handler has done with one kind of problem. */
export interface LearnedPattern {
  readonly handler: string;
  readonly topic: string;
  readonly attempts: number;
  readonly fixed: number;
  /** Attempts that the engine has verified. */
  readonly verified: number;
  /** What the attempts count for together, by source and without their age. */
  readonly weight: number;
  /** Fixes after which the problem came back. */
  readonly recurred: number;
  /** Of the next attempt: the probability of success, and minutes, with 80% intervals. */
  readonly success: Interval;
  readonly minutes: Interval;
}

/** What is known, whether or not it is used. Writes nothing. */
export async function showLearning(options: LearnOptions): Promise<LearnedState> {
  const { config } = options;
  const learning = await learningOf(options);
  const { learned, events, since, reported } = learning;
  const attempts = learned.attempts(learned.latest());
  return {
    isUsed: config.priority.profile === 'learned' && config.learning.enabled !== false,
    since: since ?? null,
    reported,
    trust: trustOf(attempts),
    patterns: patternsOf(learning),
    record: recordOfAttempts(events, config.priority, config.learning.halfLifeDays) ?? null,
  };
}

function patternsOf({ learned, events }: Learning): readonly LearnedPattern[] {
  const patterns = new Map<string, Omit<LearnedPattern, 'success' | 'minutes'>>();
  const latest = new Map<string, string>();
  for (const { event, weight } of events) {
    if (event.type !== 'outcome' && event.type !== 'recurred') continue;
    const record = learned.record(event.id);
    const key = event.type === 'outcome' ? `${event.handler}\n${record?.topic ?? ''}` : latest.get(event.id);
    if (key === undefined) continue;
    const [handler = '', topic = ''] = key.split('\n');
    const before = patterns.get(key) ?? { handler, topic, attempts: 0, fixed: 0, verified: 0, weight: 0, recurred: 0 };
    if (event.type === 'recurred') patterns.set(key, { ...before, recurred: before.recurred + 1 });
    else {
      latest.set(event.id, key);
      patterns.set(key, {
        ...before,
        attempts: before.attempts + 1,
        fixed: before.fixed + Number(event.fixed),
        verified: before.verified + Number(weight === 1),
        weight: before.weight + weight,
      });
    }
  }
  const ids = new Map([...latest].map(([id, key]) => [key, id]));
  return [...patterns]
    .toSorted(([a], [b]) => compareText(a, b))
    .flatMap(([key, pattern]) => {
      const record = learned.record(ids.get(key) ?? '');
      if (record === undefined) return [];
      const typical = { ...record, id: '', finding: '', image: '', postgres: 0 };
      const question = { record: typical, handler: pattern.handler, failures: 0, hasWaited: true };
      const { value, low, high } = learned.duration.estimate(question);
      return [{ ...pattern, success: learned.success.estimate(question), minutes: { value, low, high } }];
    });
}

/** What to expect of the open tasks. */
export interface TaskForecasts {
  /** In priority order: tasks that can be done now, for the handler that triage names. */
  readonly tasks: readonly TaskForecast[];
  /** Attempts that this was learned from. 0: the estimates are those of the records, and what is usual for their cost. */
  readonly attempts: number;
  /** How forecasts of these attempts would have done; null without one. */
  readonly record: AttemptRecord | null;
  /** How forecasts have done that were noted when they were given; null if none could be compared yet. */
  readonly given: AttemptRecord | null;
  /** Why these forecasts could not be noted; null if they were, or were not to be. */
  readonly notNoted: string | null;
}

export interface TaskForecast {
  readonly task: string;
  readonly problem: string;
  readonly handler: string;
  /** Probability that the next attempt succeeds, and its minutes, with 80% intervals. */
  readonly success: Interval;
  readonly minutes: Interval;
}

/**
 * Expected success and duration of each open task. Of a task that has failed, those of another attempt.
 * @param note Records the forecasts next to the state file, if there is one, to be compared with what comes. Default false:
 * nothing is written.
 */
export async function forecastTasks(options: LearnOptions, note = false): Promise<TaskForecasts> {
  const { config, now = () => new Date() } = options;
  const nothing = { record: null, given: null, notNoted: null };
  if (config.learning.enabled === false) return { tasks: [], attempts: 0, ...nothing };
  const [
    { tasks, learned, events, past, file, viewOf },
    { addToForecastLog, forecastLogOf, readForecastLog },
    { hourOf },
  ] = await Promise.all([learningOf(options), import('./forecast-log.ts'), import('./learning-history.ts')]);
  const at = hourOf(now().getTime());
  const found = tasks.map((task) => {
    const record = viewOf(task);
    const { handler } = task;
    const failures = learned.failures(record.id, handler)?.count ?? 0;
    const question = { record, handler, failures, hasWaited: true };
    const { value, low, high } = learned.duration.estimate(question);
    const success = learned.success.estimate(question);
    return {
      forecast: { task: task.id, problem: task.problem, handler, success, minutes: { value, low, high } },
      given: { at, record: record.id, handler, success: success.value, low, high },
    };
  });
  const log = file === undefined ? undefined : forecastLogOf(file);
  const given = log === undefined ? undefined : recordOfGiven(readForecastLog(log), past);
  return {
    tasks: found.map(({ forecast }) => forecast),
    attempts: events.filter(({ event }) => event.type === 'outcome').length,
    record: recordOfAttempts(events, config.priority, config.learning.halfLifeDays) ?? null,
    given: given ?? null,
    notNoted:
      log === undefined || !note
        ? null
        : await whyNotNoted(
            addToForecastLog(
              log,
              found.map((one) => one.given),
            ),
          ),
  };
}

/** A forecast is worth giving even if the file cannot be written. */
async function whyNotNoted(writing: Promise<void>): Promise<string | null> {
  try {
    await writing;
    return null;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return error.message;
    throw error;
  }
}

/** All attempts that count, as lines of JSON, in the order of time. */
export async function exportLearning(options: LearnOptions): Promise<readonly string[]> {
  const [{ past, since }, { lineOf }, { hourOf }] = await Promise.all([
    learningOf(options),
    import('./learning-file.ts'),
    import('./learning-history.ts'),
  ]);
  const from = since === undefined ? -Infinity : hourOf(Date.parse(since));
  return past
    .filter(({ at }) => at >= from)
    .toSorted(comparePast)
    .map(lineOf);
}

/**
 * Lets only attempts count that end from now on. Deletes nothing: the journal and the queue keep theirs, and
 * `problems learn reset --undo` lets all count again.
 * @throws ProblemsError `not-found`: there is no state file.
 */
export async function resetLearning(options: LearnOptions, undo = false): Promise<string | undefined> {
  const { now = () => new Date() } = options;
  const [file, { readLearningFile, writeLearningFile }] = await Promise.all([
    fileOf(options),
    import('./learning-file.ts'),
  ]);
  const since = undo ? undefined : now().toISOString();
  await writeLearningFile(file, { ...readLearningFile(file), since });
  return since;
}

/**
 * Takes over attempts that `exportLearning` wrote, such as those of another machine. They count as reported. The same attempt a
 * second time changes nothing.
 * @throws ProblemsError `state-damaged`: a line cannot be used; nothing is taken over then. `not-found`: there is no state file.
 */
export async function importLearning(
  text: string,
  source: string,
  options: LearnOptions,
): Promise<{ readonly added: number; readonly known: number }> {
  const { lineOf, readLearningFile, readLines, writeLearningFile } = await import('./learning-file.ts');
  const { imported } = readLines(text, source);
  const { past, file } = requireFile(await learningOf(options));
  const kept = readLearningFile(file);
  const known = new Set(past.map(keyOf));
  const added = imported.filter((attempt) => {
    const key = keyOf(attempt);
    return !known.has(key) && known.add(key);
  });
  const all = [...kept.imported, ...added].toSorted(comparePast);
  readLines(all.map(lineOf).join('\n'), 'Everything that was imported');
  await writeLearningFile(file, { since: kept.since, imported: all });
  return { added: added.length, known: imported.length - added.length };
}

/** What makes two attempts the same one, whoever wrote them down. */
function keyOf({ record, handler, startedAt, at, result }: PastAttempt): string {
  return JSON.stringify([record.id, handler, startedAt.toFixed(4), at.toFixed(4), result]);
}

async function fileOf(options: LearnOptions): Promise<string> {
  return requireFile(await learningOf(options)).file;
}

function requireFile(learning: Learning): Learning & { readonly file: string } {
  const { file } = learning;
  if (file !== undefined) return { ...learning, file };
  throw new ProblemsError('not-found', 'There is no state file yet, so there is nothing that was learned.', {
    hint: '`problems tasks` makes it.',
  });
}

/** What was learned, whatever the profile says, and the tasks that there are now, by the published formula. */
async function learningOf({ now, ...options }: LearnOptions): Promise<Learning & { readonly tasks: readonly Task[] }> {
  const { config } = options;
  const { openLearning } = await import('./learned.ts');
  // A scan by it does not learn by itself.
  const plain: Config = { ...config, priority: { ...config.priority, profile: 'published' } };
  const { all } = await scanProblems(['.'], { ...options, config: plain, now });
  const { tasks } = all;
  return { ...(await openLearning({ config, tasks, tasksDir: config.tasksDir })), tasks };
}
