import {
  cooldownFactor,
  defaultPrioritySettings,
  type PrioritySettings,
  scoreOf,
  urgencies,
  weightedScales,
} from '../priority/index.ts';
import { compareText } from '../util/compare.ts';
import type { DurationEstimate } from './duration.ts';
import { hoursToWait, type Learned } from './history.ts';
import type { RecordView } from './types.ts';

/** A problem in the order of its score, with the handler that should take it. */
export interface Placed {
  readonly id: string;
  readonly handler: string;
  /** Probability that the attempt succeeds. */
  readonly success: number;
  /** Minutes of the attempt: median, and an 80% interval. */
  readonly minutes: number;
  readonly low: number;
  readonly high: number;
}

/** Each multiplies the score. */
export interface Multipliers {
  readonly impact: number;
  readonly urgency: number;
  readonly success: number;
  readonly lasts: number;
  readonly prevents: number;
  readonly cost: number;
  readonly cooldown: number;
}

/** A score for one problem and handler, with what it is made of. */
export interface Scored {
  readonly record: RecordView;
  readonly handler: string;
  readonly score: number;
  readonly multipliers: Multipliers;
  readonly success: number;
  readonly minutes: DurationEstimate;
  /** How much what was learned counts, 0 to 1. */
  readonly trust: number;
  /** Of the handler's cooldown. */
  readonly hoursLeft: number;
  /** Expected of the attempt. */
  readonly hours: number;
}

/** With so many attempts, what was learned counts as much as the published formula. */
const attemptsForHalf = 35;
/** The days over which it counts whether a fix lasts. */
export const lastingDays = 14;
/**
 * The part of the cooldown, as an exponent, that stays once everything is learned: what an attempt after a failure is
 * worth is learned too, and a handler that does better than its rivals even then should not have to wait for them.
 */
const cooldownKept = 0.15;
/**
 * With so many open problems of a topic, a choice among handlers is neither cautious nor curious. What a try of an unknown handler
 * teaches is used as often as problems of the topic wait; while none waits, a bad choice only delays the problem that it is made for.
 */
const waitingForHalf = 5;
/** What doubt about the minutes counts as: with no queue the mean of one attempt and more, with a long one that of rates. */
const curiosity = { least: -1, most: 1.5 } as const;
/** Another handler than the one that triage names must be better by so many deviations of the minutes, with no queue. */
const caution = 1.5;
/** More doubt is not counted: without evidence it would alone decide. */
const mostDoubt = 2;

/** How much what was learned counts: 0 before the first attempt. */
export function trustOf(attempts: number): number {
  return attempts / (attempts + attemptsForHalf);
}

/**
 * The score: the published one to the power of 1 - trust, times the impact that an hour of work is expected to save to
 * the power of trust.
 * @param hoursLeft Of the cooldown. Default: what is left of it now.
 * @param waiting How many problems of its topic are open. Default 0.
 */
export function scoreFor(
  learned: Learned,
  record: RecordView,
  handler: string,
  now: number,
  settings: PrioritySettings = defaultPrioritySettings,
  hoursLeft = hoursToWait(learned.failures(record.id, handler), now, settings),
  waiting = 0,
): Scored {
  const { estimates, id } = record;
  const failures = learned.failures(id, handler);
  const cooldown = cooldownFactor(hoursLeft);
  const question = { record, handler, failures: failures?.count ?? 0, hasWaited: cooldown === 1 };
  const success = learned.success.estimate(question).value;
  const minutes = learned.duration.estimate(question);
  const hours = expectedHours(minutes, waiting);
  const trust = trustOf(learned.attempts(now));
  const published = weightedScales(estimates, settings);
  const impact = estimates.impact * settings.urgency[estimates.urgency];
  const blend = (formula: number, expected: number) =>
    trust === 0 ? formula : formula ** (1 - trust) * expected ** trust;
  const multipliers: Multipliers = {
    impact: blend(published.impact, estimates.impact),
    urgency: blend(published.urgency, settings.urgency[estimates.urgency]),
    success: blend(published.success, success),
    lasts: blend(1, learned.lasting.estimate(now, record, handler, lastingDays).value),
    prevents:
      record.kind === 'pattern' ? blend(1, 1 + learned.patterns.estimate(now, id).value / Math.max(1, impact)) : 1,
    cost: blend(1 / published.cost, 1 / hours),
    cooldown: blend(1 / cooldown, (1 / cooldown) ** cooldownKept),
  };
  const score = trust === 0 ? scoreOf(estimates, cooldown, settings) : productOf(multipliers);
  return { record, handler, score, multipliers, success, minutes, trust, hoursLeft, hours };
}

export function productOf({ impact, urgency, success, lasts, prevents, cost, cooldown }: Multipliers): number {
  return impact * urgency * success * lasts * prevents * cost * cooldown;
}

/** How long an attempt takes, as far as a choice depends on it. The longer the queue, the less doubt counts against it. */
function expectedHours({ value, noise, doubt }: DurationEstimate, waiting: number): number {
  const share = shareOfQueue(waiting);
  const counted = curiosity.least * (1 - share) + curiosity.most * share;
  return (value / 60) * Math.exp((noise - counted * Math.min(mostDoubt, doubt)) / 2);
}

/** From 0 without a queue to 1. */
function shareOfQueue(waiting: number): number {
  return waiting / (waiting + waitingForHalf);
}

/**
 * A problem with its best handler; equal scores keep the order of triage, and before the first attempt its choice.
 * @param waiting How many problems of its topic are open. Default 0.
 */
export function scoreBest(
  learned: Learned,
  record: RecordView,
  now: number,
  settings?: PrioritySettings,
  waiting = 0,
): Scored {
  const [first = 'person', ...others] = record.handlers;
  let best = scoreFor(learned, record, first, now, settings, undefined, waiting);
  if (best.trust === 0) return best;
  let leastScore = best.score;
  for (const handler of others) {
    const scored = scoreFor(learned, record, handler, now, settings, undefined, waiting);
    const deviations = caution * (1 - shareOfQueue(waiting)) * scored.trust;
    const cautious = scored.score * Math.exp(-deviations * Math.sqrt(scored.minutes.doubt));
    if (cautious <= leastScore) continue;
    best = scored;
    leastScore = cautious;
  }
  return best;
}

/** The best problems first, at most `take`. Before the first attempt: the order of the published formula. */
export function rank(
  learned: Learned,
  open: readonly RecordView[],
  now: number,
  take: number,
  settings?: PrioritySettings,
): readonly Placed[] {
  const waiting = countTopics(open);
  return open
    .map((record) => scoreBest(learned, record, now, settings, waiting.get(record.topic)))
    .sort(compareScored)
    .slice(0, take)
    .map(({ record, handler, success, minutes }) => ({
      id: record.id,
      handler,
      success,
      minutes: minutes.value,
      low: minutes.low,
      high: minutes.high,
    }));
}

/** How many problems there are of each topic. */
export function countTopics(records: readonly RecordView[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { topic } of records) counts.set(topic, (counts.get(topic) ?? 0) + 1);
  return counts;
}

/** As `comparePriorities` of the published formula, for what the view of a record has. */
function compareScored(a: Scored, b: Scored): number {
  const [left, right] = [a.record.estimates, b.record.estimates];
  return (
    b.score - a.score ||
    right.impact - left.impact ||
    urgencies.indexOf(left.urgency) - urgencies.indexOf(right.urgency) ||
    compareText(a.record.id, b.record.id)
  );
}
