import { explainScored } from '../learning/explain.ts';
import { hoursToWait } from '../learning/history.ts';
import { type Scored, scoreFor } from '../learning/rank.ts';
import type { RecordView } from '../learning/types.ts';
import {
  comparePriorities,
  type EstimateValues,
  type Factor,
  hoursLeft,
  type Priority,
  type PrioritySettings,
} from '../priority/index.ts';
import type { Task } from '../tasks/types.ts';
import type { Learning } from './learned.ts';
import { hourOf } from './learning-history.ts';

/** The tasks of a scan in the order of what was learned. */
export interface LearnedTasks {
  /** Highest priority first. The same as those given, byte for byte, if nothing was learned. */
  readonly tasks: readonly Task[];
  /** What was learned about one of the tasks given, and its score without it. */
  readonly explain: (task: Task) => LearnedView;
  /** The score of a task with other estimates or another cooldown, for what would move it up. */
  readonly rescore: (task: Pick<Task, 'id'>, values: EstimateValues, cooldown: number) => number;
}

/** What earlier attempts have taught about a task. */
export interface LearnedView {
  /** How much they count in the score, 0 to 1. */
  readonly trust: number;
  /** Attempts on all tasks, each by its weight and age. */
  readonly attempts: number;
  /** The priority without them, and the task's place then. */
  readonly published: { readonly score: number; readonly rank: number };
  /** Who could take the task, best first. It stays with its handler, for which its automation was decided. */
  readonly handlers: readonly HandlerEstimate[];
}

export interface HandlerEstimate {
  readonly handler: string;
  /** The score of the task if this handler took it. */
  readonly score: number;
  /** Probability that its attempt succeeds. */
  readonly success: number;
  /** Of its attempt: the median, and an 80% interval. */
  readonly minutes: { readonly value: number; readonly low: number; readonly high: number };
}

/**
 * Ranks tasks by what was learned. The estimates change only with the attempts, not with the time; the cooldown counts whole
 * hours.
 * @param now For the cooldown. Undefined: it is left out, since a queue waits for it anyway.
 */
export function rankByLearning(
  tasks: readonly Task[],
  { learned, viewOf }: Learning,
  settings: PrioritySettings,
  now: Date | undefined,
): LearnedTasks {
  const asOf = learned.latest();
  const views = new Map(tasks.map((task) => [task.id, viewOf(task)]));
  const viewOfId = (id: string): RecordView => {
    const view = views.get(id);
    if (view === undefined) throw new TypeError(`${id} was not among the tasks.`);
    return view;
  };

  function waitOf({ id }: RecordView, handler: string): number {
    if (now === undefined) return 0;
    return hoursToWait(learned.failures(id, handler), Math.floor(hourOf(now.getTime())), settings);
  }

  function score(view: RecordView, handler: string): Scored {
    return scoreFor(learned, view, handler, asOf, settings, waitOf(view, handler));
  }

  function ranked(task: Task): Task {
    const scored = score(viewOfId(task.id), task.handler);
    if (scored.trust === 0) return task;
    const { factors } = explainScored(learned, scored, asOf);
    const known = new Map(task.priority.factors.map((factor) => [factor.name, factor]));
    const priority: Priority = {
      score: rounded(scored.score),
      // Its limits are made for the published scores.
      band: task.priority.band,
      factors: factors.map(({ name, value, provenance, reason }): Factor => {
        const published = known.get(name);
        const isDivisor = name === 'cost' || name === 'cooldown';
        return {
          name,
          estimate: published?.estimate ?? 'learned',
          scale: rounded(scaleOf(name, scored)),
          weight: published?.weight ?? 1,
          weighted: rounded(isDivisor ? 1 / value : value),
          provenance: provenance === 'learned' || published === undefined ? 'learned' : published.provenance,
          reason: provenance === 'learned' || published === undefined ? reason : published.reason,
        };
      }),
    };
    return { ...task, priority };
  }

  return {
    tasks: learned.attempts(asOf) === 0 ? tasks : tasks.map(ranked).toSorted(comparePriorities),
    explain({ id }) {
      const view = viewOfId(id);
      const handlers = view.handlers
        .map((handler) => score(view, handler))
        .toSorted((a, b) => b.score - a.score)
        .map(({ handler, score: ofHandler, success, minutes: { value, low, high } }) => ({
          handler,
          score: rounded(ofHandler),
          success,
          minutes: { value, low, high },
        }));
      const before = tasks.findIndex((task) => task.id === id);
      return {
        trust: score(view, view.handlers[0] ?? 'agent').trust,
        attempts: learned.attempts(asOf),
        published: { score: tasks[before]?.priority.score ?? 0, rank: before + 1 },
        handlers,
      };
    },
    rescore({ id }, values, cooldown) {
      const view = viewOfId(id);
      const changed = { ...view, estimates: { ...values, provenance: view.estimates.provenance } };
      const [handler = 'agent'] = view.handlers;
      return rounded(scoreFor(learned, changed, handler, asOf, settings, hoursLeft(cooldown)).score);
    },
  };
}

/** What a factor is made of: a probability, a share, hours. */
function scaleOf(name: Factor['name'], { record, success, hours, multipliers, hoursLeft: left }: Scored): number {
  switch (name) {
    case 'impact':
      return record.estimates.impact;
    case 'success':
      return success;
    case 'cost':
      return hours;
    case 'cooldown':
      return 1 + left / 24;
    case 'urgency':
    case 'lasts':
    case 'prevents':
      return multipliers[name];
  }
}

function rounded(value: number): number {
  return Number(value.toFixed(6));
}
