import {
  comparePriorities,
  cooldownFactor,
  type EstimateValues,
  hoursLeft,
  impactRange,
  type Ranked,
  resourceCosts,
  scoreOf,
  urgencies,
} from './priority.ts';
import { defaultPrioritySettings, type PrioritySettings } from './settings.ts';
import type { Estimates, Priority } from './types.ts';

/** The input of `explainPriority`. Tasks have all of it. */
export interface Explainable extends Ranked {
  readonly problem: string;
  readonly priority: Priority;
}

/** The score of a task with these estimates and this cooldown. */
export type Rescore = (task: Explainable, values: EstimateValues, cooldown: number) => number;

/** Why a task has its rank, for reporters. */
export interface Explanation {
  readonly id: string;
  /** Its rank by priority, from 1. */
  readonly rank: number;
  readonly of: number;
  readonly priority: Priority;
  readonly estimates: Estimates;
  /** The task to overtake: the next one above that comes from another problem. Null at the top. */
  readonly above: { readonly id: string; readonly problem: string; readonly score: number } | null;
  /** One for each estimate, in the order of the formula; none at the top. */
  readonly changes: readonly Change[];
  /** The effect of waiting for the end of its cooldown; null at the top, and without a cooldown. */
  readonly waiting: Waiting | null;
}

/** The fewest whole hours of waiting that move the task above the next one; null if the whole cooldown does not. */
export interface Waiting {
  readonly hours: number | null;
  /** The score then, or at the end of the cooldown. */
  readonly score: number;
}

/** The smallest change of one estimate alone that moves the task above the next one; `to` is null if none does. */
export type Change = { readonly [Name in keyof EstimateValues]: ChangeOf<Name> }[keyof EstimateValues];

/** Of one estimate. */
export interface ChangeOf<Name extends keyof EstimateValues> {
  readonly estimate: Name;
  readonly from: EstimateValues[Name];
  readonly to: EstimateValues[Name] | null;
  /** The score after the change, or with the best value that this estimate can have. */
  readonly score: number;
}

/**
 * Every factor of a task's priority, and what would move it up one rank while all others stay the same. Undefined if no
 * task has the id. Impact is tried in steps of 0.1, success probability in steps of 0.01. The tasks of one problem share its estimates and move
 * together, so one rank up means the next task of another problem.
 * @param rescore The score that a task would have. Default: by the formula.
 */
export function explainPriority(
  id: string,
  tasks: readonly Explainable[],
  settings: PrioritySettings = defaultPrioritySettings,
  rescore: Rescore = (_, values, cooldown) => scoreOf(values, cooldown, settings),
): Explanation | undefined {
  const ranked = tasks.toSorted(comparePriorities);
  const index = ranked.findIndex((candidate) => candidate.id === id);
  const task = ranked[index];
  if (task === undefined) return undefined;
  const above = ranked.slice(0, index).findLast((candidate) => candidate.problem !== task.problem);
  return {
    id,
    rank: index + 1,
    of: ranked.length,
    priority: task.priority,
    estimates: task.estimates,
    above: above === undefined ? null : { id: above.id, problem: above.problem, score: above.priority.score },
    changes: above === undefined ? [] : changesBeyond(above, task, rescore),
    waiting: above === undefined ? null : waitingBeyond(above, task, rescore),
  };
}

/** A binary search, since the score only rises with the hours and a period may have a hundred thousand. */
function waitingBeyond(above: Explainable, task: Explainable, rescore: Rescore): Waiting | null {
  const left = hoursLeft(cooldownOf(task));
  if (left <= 0) return null;
  const values = valuesOf(task);
  const scoreAfter = (hours: number) => rescore(task, values, cooldownFactor(Math.max(0, left - hours)));
  const isAbove = (hours: number) => comparePriorities({ ...task, priority: { score: scoreAfter(hours) } }, above) < 0;
  let most = Math.ceil(left);
  if (!isAbove(most)) return { hours: null, score: scoreAfter(most) };
  let least = 1;
  while (least < most) {
    const middle = Math.floor((least + most) / 2);
    if (isAbove(middle)) most = middle;
    else least = middle + 1;
  }
  return { hours: most, score: scoreAfter(most) };
}

function valuesOf({ estimates }: Explainable): EstimateValues {
  return {
    impact: estimates.impact.value,
    urgency: estimates.urgency.value,
    successProb: estimates.successProb.value,
    resourceCost: estimates.resourceCost.value,
  };
}

function cooldownOf({ priority }: Explainable): number {
  return priority.factors.find(({ name }) => name === 'cooldown')?.scale ?? 1;
}

function changesBeyond(above: Explainable, task: Explainable, rescore: Rescore): readonly Change[] {
  const values = valuesOf(task);
  const cooldown = cooldownOf(task);

  function change<Name extends keyof EstimateValues>(
    name: Name,
    better: readonly EstimateValues[Name][],
    apply: (value: EstimateValues[Name]) => { readonly estimates: Estimates; readonly values: EstimateValues },
  ): ChangeOf<Name> {
    let score = task.priority.score;
    for (const value of better) {
      const changed = apply(value);
      score = rescore(task, changed.values, cooldown);
      const moved = { ...task, estimates: changed.estimates, priority: { score } };
      if (comparePriorities(moved, above) < 0) return { estimate: name, from: values[name], to: value, score };
    }
    return { estimate: name, from: values[name], to: null, score };
  }

  const { estimates } = task;
  return [
    change('impact', steps(values.impact, impactRange.maximum, 10), (value) => ({
      values: { ...values, impact: value },
      estimates: { ...estimates, impact: { ...estimates.impact, value } },
    })),
    change('urgency', urgencies.slice(0, urgencies.indexOf(values.urgency)).toReversed(), (value) => ({
      values: { ...values, urgency: value },
      estimates: { ...estimates, urgency: { ...estimates.urgency, value } },
    })),
    change('successProb', steps(values.successProb, 1, 100), (value) => ({
      values: { ...values, successProb: value },
      estimates: { ...estimates, successProb: { ...estimates.successProb, value } },
    })),
    change(
      'resourceCost',
      resourceCosts.slice(0, resourceCosts.indexOf(values.resourceCost)).toReversed(),
      (value) => ({
        values: { ...values, resourceCost: value },
        estimates: { ...estimates, resourceCost: { ...estimates.resourceCost, value } },
      }),
    ),
  ];
}

/** The multiples of 1 ÷ `parts` above `from`, up to `to`. */
function steps(from: number, to: number, parts: number): readonly number[] {
  const values: number[] = [];
  for (let step = Math.floor(from * parts); step <= to * parts; step += 1) {
    if (step / parts > from) values.push(step / parts);
  }
  return values;
}
