import { cooldownHours, defaultPrioritySettings, type PrioritySettings } from '../priority/index.ts';
import { createDurationModel, type DurationModel } from './duration.ts';
import { createLastingModel, type LastingModel } from './lasting.ts';
import { createPatternModel, type PatternModel } from './patterns.ts';
import { createSuccessModel, type SuccessModel } from './success.ts';
import type { Event, RecordView } from './types.ts';

/** Failures of one handler on one problem since it was last fixed. */
export interface Failures {
  readonly count: number;
  /** When it last failed. */
  readonly at: number;
}

/** Everything that has been learned from events, each of which is read once. */
export interface Learned {
  readonly success: SuccessModel;
  readonly duration: DurationModel;
  readonly lasting: LastingModel;
  readonly patterns: PatternModel;
  record(id: string): RecordView | undefined;
  failures(id: string, handler: string): Failures | undefined;
  /** When the latest attempt ended; 0 without one. Until the next one, nothing that is learned changes. */
  latest(): number;
  /** How many attempts were learned from, by weight, as they count at a moment. */
  attempts(now: number): number;
  observe(event: Exclude<Event, { type: 'batch' }>, weight?: number): void;
}

interface Problem {
  readonly record: RecordView;
  /** By handler. Undefined: nobody has failed on it since it was last fixed. */
  failed: Map<string, Failures> | undefined;
}

/** Days after which an attempt counts half. */
const defaultHalfLifeDays = 45;

export function createLearned(
  settings: PrioritySettings = defaultPrioritySettings,
  halfLifeDays = defaultHalfLifeDays,
): Learned {
  const halfLife = halfLifeDays * 24;
  const success = createSuccessModel(halfLife);
  const duration = createDurationModel(halfLife);
  const lasting = createLastingModel(halfLife);
  const patterns = createPatternModel();
  const problems = new Map<string, Problem>();
  let attempts = 0;
  let latest = 0;

  function impactOf({ estimates }: RecordView): number {
    return estimates.impact * settings.urgency[estimates.urgency];
  }

  return {
    success,
    duration,
    lasting,
    patterns,
    record: (id) => problems.get(id)?.record,
    failures: (id, handler) => problems.get(id)?.failed?.get(handler),
    latest: () => latest,
    attempts: (now) => attempts * 2 ** (-Math.max(0, now - latest) / halfLife),
    observe(event, weight = 1) {
      switch (event.type) {
        case 'opened':
          problems.set(event.record.id, { record: event.record, failed: problems.get(event.record.id)?.failed });
          patterns.opened(event.at, event.record, impactOf(event.record));
          return;
        case 'recurred':
          lasting.recurred(event.at, event.id);
          patterns.reopened(event.at, event.id);
          return;
        case 'vanished':
          patterns.closed(event.at, event.id);
          return;
        case 'outcome': {
          const problem = problems.get(event.id);
          if (problem === undefined) return;
          const { at, handler, minutes, fixed } = event;
          const { record } = problem;
          // The text that the maps have as a key is found faster than another one that says the same.
          const { id } = record;
          const before = problem.failed?.get(handler);
          const failures = before?.count ?? 0;
          const attempt = { record, handler, at, minutes, fixed, weight };
          success.observe(attempt, { failures, hasWaited: hoursToWait(before, event.startedAt, settings) === 0 });
          // 0: nothing tells how long it took.
          if (minutes > 0) duration.observe(attempt);
          attempts = attempts * 2 ** (-Math.max(0, at - latest) / halfLife) + weight;
          latest = Math.max(latest, at);
          if (fixed) {
            problem.failed = undefined;
            lasting.fixed(at, record, handler, weight);
            patterns.closed(at, id);
          } else {
            problem.failed ??= new Map();
            problem.failed.set(handler, { count: failures + 1, at });
          }
        }
      }
    },
  };
}

/** Hours of the cooldown that are left for a handler that has failed on a problem. */
export function hoursToWait(failures: Failures | undefined, now: number, settings: PrioritySettings): number {
  if (failures === undefined) return 0;
  return Math.max(0, cooldownHours(failures.count, settings.cooldown) - Math.max(0, now - failures.at));
}
