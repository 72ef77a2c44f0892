/** One run of a world under one policy: events in the order of time, workers that take what the policy says. */
import type { Event, RecordView } from '../src/learning/types.ts';
import type { Placed } from '../src/learning/rank.ts';
import { defaultPrioritySettings } from '../src/priority/index.ts';
import type { World } from './learning-world.ts';

/** What is taken next: at most `take` of the open problems, best first. `events` are those since the last call. */
export type Policy = (
  now: number,
  take: number,
  events: readonly Event[],
  open: readonly RecordView[],
) => readonly Placed[];

/** An attempt: what was forecast, and what came of it. */
export interface Trace extends Placed {
  readonly truth: number;
  readonly fixed: boolean;
  readonly took: number;
}

export interface Run {
  /** Impact times urgency, summed over the hours that problems were open. */
  readonly impactHours: number;
  readonly attempts: readonly Trace[];
  readonly openAtEnd: number;
}

type Happening =
  | { readonly type: 'open'; readonly record: RecordView }
  | { readonly type: 'case'; readonly pattern: RecordView; readonly number: number }
  | { readonly type: 'vanish' | 'recur'; readonly record: RecordView; readonly episode: number }
  | {
      readonly type: 'end';
      readonly placed: Placed;
      readonly record: RecordView;
      readonly startedAt: number;
      readonly took: number;
    }
  | { readonly type: 'scan' };

interface Problem {
  readonly record: RecordView;
  /** Since when it really is there; undefined while it is not. */
  since: number | undefined;
  /** Whether a scan has seen it since. */
  isSeen: boolean;
  isTaken: boolean;
  /** Grows with each time it comes back. */
  episode: number;
  attempts: number;
}

export function simulate(world: World, policy: Policy): Run {
  const end = world.options.days * 24;
  const queue = createQueue<Happening>();
  const problems = new Map<string, Problem>();
  const attempts: Trace[] = [];
  let pending: Event[] = [];
  let unseen: Event[] = [];
  let free = world.options.workers;
  let impactHours = 0;

  for (const record of world.arrivals) queue.add(record.openedAt, { type: 'open', record });
  for (let at = 0; at <= end; at += world.options.scanHours) queue.add(at, { type: 'scan' });

  for (let next = queue.take(); next !== undefined && next.at <= end; next = queue.take()) {
    happen(next.at, next.value);
    if (next.value.type === 'scan' || next.value.type === 'end') assign(next.at);
  }
  for (const problem of problems.values()) close(problem, end);
  return { impactHours, attempts, openAtEnd: [...problems.values()].filter(({ isSeen }) => isSeen).length };

  function happen(at: number, happening: Happening): void {
    switch (happening.type) {
      case 'open': {
        const { record } = happening;
        const problem = { record, since: at, isSeen: false, isTaken: false, episode: 0, attempts: 0 };
        problems.set(record.id, problem);
        unseen.push({ type: 'opened', at, record });
        queue.add(at + world.vanishesAfter(record), { type: 'vanish', record, episode: 0 });
        if (record.kind === 'pattern') queue.add(nextCase(record, 0, at), { type: 'case', pattern: record, number: 0 });
        return;
      }
      case 'case': {
        const { pattern, number } = happening;
        if (problems.get(pattern.id)?.since !== undefined)
          happen(at, { type: 'open', record: world.makeCase(pattern, number, at) });
        queue.add(nextCase(pattern, number + 1, at), { type: 'case', pattern, number: number + 1 });
        return;
      }
      case 'vanish': {
        const problem = problems.get(happening.record.id);
        if (
          problem === undefined ||
          problem.since === undefined ||
          problem.episode !== happening.episode ||
          problem.isTaken
        )
          return;
        close(problem, at);
        unseen.push({ type: 'vanished', at, id: problem.record.id });
        return;
      }
      case 'recur': {
        const problem = problems.get(happening.record.id);
        if (problem === undefined || problem.since !== undefined || problem.episode !== happening.episode) return;
        problem.since = at;
        problem.episode += 1;
        unseen.push({ type: 'recurred', at, id: problem.record.id });
        return;
      }
      case 'scan':
        for (const event of unseen) {
          const id = event.type === 'opened' ? event.record.id : 'id' in event ? event.id : '';
          const problem = problems.get(id);
          if (problem !== undefined) problem.isSeen = event.type !== 'vanished';
          pending.push({ ...event, at });
        }
        unseen = [];
        return;
      case 'end': {
        const { placed, record, startedAt, took } = happening;
        const problem = problems.get(record.id);
        if (problem === undefined) return;
        const truth = world.success(record, placed.handler, startedAt);
        const { stubbornHours } = world.options;
        const coin = stubbornHours === 0 ? problem.attempts : Math.floor(startedAt / stubbornHours);
        const fixed = world.luck('coin', record.id, placed.handler, coin) < truth;
        problem.attempts += 1;
        problem.isTaken = false;
        free += 1;
        attempts.push({ ...placed, truth, fixed, took });
        pending.push({ type: 'outcome', at, id: record.id, handler: placed.handler, startedAt, minutes: took, fixed });
        if (!fixed) return;
        close(problem, at);
        problem.isSeen = false;
        const perHour = world.recurrencesPerDay(record, placed.handler) / 24;
        const after = -Math.log(1 - world.luck('recurs', record.id, problem.episode)) / perHour;
        queue.add(at + after, { type: 'recur', record, episode: problem.episode });
      }
    }
  }

  function close(problem: Problem, at: number): void {
    if (problem.since === undefined) return;
    const { impact, urgency } = problem.record.estimates;
    impactHours += impact * defaultPrioritySettings.urgency[urgency] * (at - problem.since);
    problem.since = undefined;
  }

  function nextCase(pattern: RecordView, number: number, at: number): number {
    return at - (Math.log(1 - world.luck('case', pattern.id, number)) * 24) / world.casesPerDay(pattern);
  }

  function assign(at: number): void {
    if (free === 0) return;
    const open = [...problems.values()].filter(({ isSeen, isTaken }) => isSeen && !isTaken).map(({ record }) => record);
    if (open.length === 0) return;
    const chosen = policy(at, free, pending, open);
    pending = [];
    for (const placed of chosen) {
      const problem = problems.get(placed.id);
      if (problem === undefined) continue;
      free -= 1;
      problem.isTaken = true;
      const { record } = problem;
      const took = world.minutes(record, placed.handler, problem.attempts);
      queue.add(at + took / 60, { type: 'end', placed, record, startedAt: at, took });
    }
  }
}

interface Queue<Value> {
  add(at: number, value: Value): void;
  /** The earliest; of several of the same moment the one that was added first. */
  take(): { readonly at: number; readonly value: Value } | undefined;
}

/** A binary heap. */
function createQueue<Value>(): Queue<Value> {
  const heap: { readonly at: number; readonly order: number; readonly value: Value }[] = [];
  let added = 0;
  const isBefore = (a: number, b: number) => {
    const [left, right] = [heap[a], heap[b]];
    if (left === undefined || right === undefined) return false;
    return left.at < right.at || (left.at === right.at && left.order < right.order);
  };
  const swap = (a: number, b: number) => {
    const [left, right] = [heap[a], heap[b]];
    if (left !== undefined && right !== undefined) [heap[a], heap[b]] = [right, left];
  };
  return {
    add(at, value) {
      if (at === Infinity) return;
      heap.push({ at, order: (added += 1), value });
      for (let index = heap.length - 1; index > 0;) {
        const parent = (index - 1) >> 1;
        if (!isBefore(index, parent)) break;
        swap(index, parent);
        index = parent;
      }
    },
    take() {
      swap(0, heap.length - 1);
      const first = heap.pop();
      for (let index = 0; ;) {
        let least = index;
        for (const child of [2 * index + 1, 2 * index + 2]) if (isBefore(child, least)) least = child;
        if (least === index) return first;
        swap(index, least);
        index = least;
      }
    },
  };
}
