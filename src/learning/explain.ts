import { defaultPrioritySettings, type PrioritySettings } from '../priority/index.ts';
import { type Learned } from './history.ts';
import { lastingDays, productOf, scoreBest, type Scored } from './rank.ts';
import type { Evidence } from './success.ts';
import type { RecordView } from './types.ts';

/** One factor of a score; all of them multiply to it. */
export interface LearnedFactor {
  readonly name: 'impact' | 'urgency' | 'success' | 'lasts' | 'prevents' | 'cost' | 'cooldown';
  readonly value: number;
  readonly provenance: 'stated' | 'calibrated' | 'derived' | 'learned' | 'attempts';
  /** A sentence or two with the numbers that the factor was made from. */
  readonly reason: string;
}

export interface LearnedExplanation {
  readonly score: number;
  readonly factors: readonly LearnedFactor[];
}

/**
 * Why a problem has its score, for the handler that ranking would choose.
 * @param waiting How many problems of its topic are open. Default 0.
 */
export function explainScore(
  learned: Learned,
  record: RecordView,
  now: number,
  settings: PrioritySettings = defaultPrioritySettings,
  waiting = 0,
): LearnedExplanation {
  return explainScored(learned, scoreBest(learned, record, now, settings, waiting), now);
}

/** Why a problem has its score with one handler. */
export function explainScored(learned: Learned, scored: Scored, now: number): LearnedExplanation {
  const { record, multipliers, handler, trust } = scored;
  const { estimates, kind } = record;
  const { provenance } = estimates;
  const told = provenance === 'stated' ? 'Stated' : 'Derived';
  const isLearned = trust > 0;
  const factors: readonly LearnedFactor[] = [
    { name: 'impact', value: multipliers.impact, provenance, reason: `${told}: ${estimates.impact} of 10.` },
    { name: 'urgency', value: multipliers.urgency, provenance, reason: `${told}: ${estimates.urgency}.` },
    successFactor(learned, scored),
    {
      name: 'lasts',
      value: multipliers.lasts,
      provenance: isLearned ? 'learned' : provenance,
      reason: isLearned
        ? lastingReason(learned, scored, now)
        : 'No attempt is known, so nothing is assumed about whether a fix lasts.',
    },
    ...(kind === 'pattern' && isLearned ? [patternFactor(learned, scored, now)] : []),
    {
      name: 'cost',
      value: multipliers.cost,
      provenance: isLearned ? 'learned' : provenance,
      reason: isLearned
        ? `${handler} needs about ${rounded(scored.minutes.value)} minutes, in 8 of 10 cases ${rounded(scored.minutes.low)} to ${rounded(scored.minutes.high)}; ${told.toLowerCase()}: ${estimates.resourceCost}.`
        : `${told}: ${estimates.resourceCost}.`,
    },
    {
      name: 'cooldown',
      value: multipliers.cooldown,
      provenance: 'attempts',
      reason: cooldownReason(learned, scored),
    },
  ];
  return { score: productOf(multipliers), factors };
}

function successFactor(
  learned: Learned,
  { record, handler, multipliers, success, trust, hoursLeft }: Scored,
): LearnedFactor {
  const { successProb, provenance } = record.estimates;
  const stated = `${provenance} ${rounded(successProb)}`;
  if (trust === 0)
    return { name: 'success', value: multipliers.success, provenance, reason: `No attempt is known: ${stated}.` };
  const question = {
    record,
    handler,
    failures: learned.failures(record.id, handler)?.count ?? 0,
    hasWaited: hoursLeft === 0,
  };
  const evidence = learned.success.evidence(question);
  const own = evidence.filter(({ level }) => ['finding', 'topic', 'handler', 'image', 'version'].includes(level));
  const { low, high } = learned.success.estimate(question);
  const alone = learned.success.calibrated(record);
  const pieces = [
    `${rounded(success)}, between ${rounded(low)} and ${rounded(high)} in 8 of 10 cases`,
    own.length === 0
      ? `no attempt by ${handler} is known`
      : own.map((level) => evidenceText(level, question)).join(', '),
    `${stated} means ${rounded(alone.value)} by how such values have done, and counts as ${rounded(alone.attempts)} attempts`,
    ...learned.success.changes(handler),
  ];
  return {
    name: 'success',
    value: multipliers.success,
    provenance: own.length === 0 ? 'calibrated' : 'learned',
    reason: `${pieces.join('; ')}.`,
  };
}

/** "7 of 9 resolved by port-reassignment on PostgreSQL 17". */
function evidenceText(
  { level, attempts, successes }: Evidence,
  { record, handler }: Pick<Scored, 'record' | 'handler'>,
): string {
  const about: Readonly<Record<string, string>> = {
    handler: '',
    topic: ` for ${record.topic}`,
    finding: ` for ${record.finding}`,
    image: ` on ${record.image}`,
    version: ` on PostgreSQL ${record.postgres}`,
  };
  return `${rounded(successes)} of ${rounded(attempts)} resolved by ${handler}${about[level] ?? ''}`;
}

function lastingReason(learned: Learned, { record, handler }: Scored, now: number): string {
  const { value, recurrences, days } = learned.lasting.estimate(now, record, handler, lastingDays);
  return `A fix is expected to hold for ${rounded(value)} of the next ${lastingDays} days: ${rounded(recurrences)} came back in ${rounded(days)} days after fixes by ${handler} for ${record.topic}.`;
}

function patternFactor(learned: Learned, { record, multipliers }: Scored, now: number): LearnedFactor {
  const { cases, hours, value } = learned.patterns.estimate(now, record.id);
  return {
    name: 'prevents',
    value: multipliers.prevents,
    provenance: 'learned',
    reason: `${cases} problems in ${rounded(hours)} hours came from this pattern: each hour that it stays open causes ${rounded(value)} impact-hours.`,
  };
}

function cooldownReason(learned: Learned, { record, handler, hoursLeft }: Scored): string {
  const failures = learned.failures(record.id, handler);
  if (failures === undefined) return `${handler} has not failed on it.`;
  return `${handler} has failed on it ${failures.count === 1 ? 'once' : `${failures.count} times`}: ${rounded(hoursLeft)} hours to wait remain.`;
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(3)));
}
