import { ProblemsError } from '../errors.ts';
import { compareText } from '../util/compare.ts';
import type { ActiveProblem } from '../registry/record.ts';
import { checkPrioritySettings, defaultPrioritySettings, type PrioritySettings } from './settings.ts';
import type { Attempts, Band, Estimates, Factor, Priority, ResourceCost, Urgency } from './types.ts';

const form = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/**
 * The instant of an ISO text, in milliseconds since 1970, or undefined for other texts. A day alone means its start, and a
 * time without a zone is UTC, so that the same text means the same on every machine.
 */
export function instantOf(text: string | undefined): number | undefined {
  const match = text === undefined ? null : form.exec(text);
  if (text === undefined || match === null) return undefined;
  const instant = Date.parse(text.includes('T') && match[1] === undefined ? `${text}Z` : text);
  return Number.isNaN(instant) ? undefined : instant;
}

/** The values of the four estimates, without where they come from. */
export type EstimateValues = { readonly [Name in keyof Estimates]: Estimates[Name]['value'] };

export const impactRange = { minimum: 1, maximum: 10 } as const;

/** Most urgent first. */
export const urgencies = ['critical', 'high', 'medium', 'low'] as const satisfies readonly Urgency[];

/** Cheapest first. */
export const resourceCosts = ['minimal', 'moderate', 'heavy'] as const satisfies readonly ResourceCost[];

export function isImpact(value: unknown): value is number {
  return typeof value === 'number' && value >= impactRange.minimum && value <= impactRange.maximum;
}

export function isProbability(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

export function isUrgency(value: unknown): value is Urgency {
  return urgencies.some((urgency) => urgency === value);
}

export function isResourceCost(value: unknown): value is ResourceCost {
  return resourceCosts.some((cost) => cost === value);
}

/** The valid values of each estimate. `NaN` and infinities are invalid. */
export const isEstimate: {
  readonly [Name in keyof EstimateValues]: (value: unknown) => value is EstimateValues[Name];
} = {
  impact: isImpact,
  urgency: isUrgency,
  successProb: isProbability,
  resourceCost: isResourceCost,
};

export const noAttempts: Attempts = { failures: 0, hoursSinceFailure: 0 };

/**
 * priority = (impact × urgency × success) ÷ (cost × cooldown), each factor after its weight: docs/priority.md.
 * Scores and weighted factors are rounded to six decimals, so that float noise can neither make nor break a tie.
 * @throws ProblemsError `bad-usage` for estimates or attempts that are not numbers or out of range, `bad-config` for
 * such settings.
 */
export function computePriority(
  estimates: Estimates,
  attempts: Attempts = noAttempts,
  settings: PrioritySettings = defaultPrioritySettings,
): Priority {
  checkPrioritySettings(settings);
  const values = valuesOf(estimates);
  const cooldown = cooldownOf(attempts, settings);
  const scales = scalesOf(values, settings);
  const factor = (name: keyof Scales, { value, provenance, reason }: Estimates[keyof Estimates]): Factor => ({
    name,
    estimate: value,
    scale: scales[name],
    weight: settings.weights[name],
    weighted: rounded(weighted(scales[name], settings.weights[name], settings)),
    provenance,
    reason,
  });
  const score = scoreOf(values, cooldown.factor, settings);
  return {
    score,
    band: bandOf(score, settings),
    factors: [
      factor('impact', estimates.impact),
      factor('urgency', estimates.urgency),
      factor('success', estimates.successProb),
      factor('cost', estimates.resourceCost),
      {
        name: 'cooldown',
        estimate: attempts.failures,
        scale: cooldown.factor,
        weight: 1,
        weighted: rounded(cooldown.factor),
        provenance: 'attempts',
        reason: cooldown.reason,
      },
    ],
  };
}

/**
 * The score of checked values, after a cooldown that is at least 1.
 * @throws ProblemsError `bad-config`: the score is not finite, for example because a setting is missing.
 */
export function scoreOf(values: EstimateValues, cooldown: number, settings: PrioritySettings): number {
  const after = weightedScales(values, settings);
  const score = rounded((after.impact * after.urgency * after.success) / (after.cost * cooldown));
  if (Number.isFinite(score)) return score;
  throw new ProblemsError('bad-config', 'The priority settings give a score that is not a number.', {
    hint: 'docs/priority.md lists the settings and their defaults.',
  });
}

/** The four estimates on their scales, each after its weight. */
export function weightedScales(values: EstimateValues, settings: PrioritySettings): Scales {
  const scales = scalesOf(values, settings);
  const after = (name: keyof Scales) => weighted(scales[name], settings.weights[name], settings);
  return { impact: after('impact'), urgency: after('urgency'), success: after('success'), cost: after('cost') };
}

/** The values that break ties. Tasks have all of them. */
export interface Ranked {
  readonly id: string;
  readonly priority: { readonly score: number };
  readonly estimates: Estimates;
  readonly severity?: NonNullable<ActiveProblem['severity']>;
  /** ISO text, as records keep it. */
  readonly lastOccurrence?: string;
}

/** Highest score first; ties by impact, urgency, severity, last occurrence (the later first), id. */
export function comparePriorities(a: Ranked, b: Ranked): number {
  return (
    b.priority.score - a.priority.score ||
    b.estimates.impact.value - a.estimates.impact.value ||
    rankOf(a.estimates.urgency.value) - rankOf(b.estimates.urgency.value) ||
    rankOf(a.severity) - rankOf(b.severity) ||
    compareLater(a.lastOccurrence, b.lastOccurrence) ||
    compareText(a.id, b.id)
  );
}

type Scales = Readonly<Record<keyof PrioritySettings['weights'], number>>;

function scalesOf(values: EstimateValues, settings: PrioritySettings): Scales {
  return {
    impact: values.impact,
    urgency: settings.urgency[values.urgency],
    success: values.successProb,
    cost: settings.cost[values.resourceCost],
  };
}

function weighted(scale: number, weight: number, settings: PrioritySettings): number {
  return settings.profile === 'elastic' ? scale ** weight : scale * weight;
}

function rounded(value: number): number {
  return Number(value.toFixed(6));
}

function bandOf(score: number, { bands }: PrioritySettings): Band {
  if (score >= bands.critical) return 'critical';
  if (score >= bands.high) return 'high';
  return score >= bands.medium ? 'medium' : 'low';
}

/** The waiting period after so many failures, in hours: it doubles with each one, up to the maximum. 0 without failures. */
export function cooldownHours(
  failures: number,
  { baseHours, maximumHours }: PrioritySettings['cooldown'] = defaultPrioritySettings.cooldown,
): number {
  return failures === 0 ? 0 : Math.min(baseHours * 2 ** Math.min(failures - 1, mostDoublings), maximumHours);
}

/** With more, the power of two is infinite, and infinity times zero hours is not a number. */
const mostDoublings = 1023;

/** 1 + the remaining hours of the waiting period ÷ 24. */
function cooldownOf(
  { failures, hoursSinceFailure }: Attempts,
  { cooldown }: PrioritySettings,
): { readonly factor: number; readonly reason: string } {
  if (!Number.isInteger(failures) || failures < 0 || !(hoursSinceFailure >= 0)) {
    throw new ProblemsError(
      'bad-usage',
      'Attempts must be a whole number of failures and the hours since the last one.',
    );
  }
  if (failures === 0) return { factor: 1, reason: 'No attempt has failed.' };
  const period = cooldownHours(failures, cooldown);
  const left = Math.max(0, period - hoursSinceFailure);
  const failed = failures === 1 ? '1 attempt has failed' : `${failures} attempts have failed`;
  return {
    factor: cooldownFactor(left),
    reason: `${failed}: ${rounded(left)} of the ${period} hours to wait remain.`,
  };
}

/** The cooldown while hours of the waiting period are left. */
export function cooldownFactor(left: number): number {
  return 1 + left / 24;
}

/** The remaining hours of a cooldown, without floating-point noise. */
export function hoursLeft(cooldown: number): number {
  return rounded((cooldown - 1) * 24);
}

function valuesOf(estimates: Estimates): EstimateValues {
  return {
    impact: checked('impact', estimates),
    urgency: checked('urgency', estimates),
    successProb: checked('successProb', estimates),
    resourceCost: checked('resourceCost', estimates),
  };
}

function checked<Name extends keyof EstimateValues>(name: Name, estimates: Estimates): EstimateValues[Name] {
  const value: unknown = estimates[name].value;
  const fits: (candidate: unknown) => candidate is EstimateValues[Name] = isEstimate[name];
  if (fits(value)) return value;
  throw new ProblemsError('bad-usage', `Invalid estimate ${name} = ${String(value)}.`);
}

function rankOf(level: EstimateValues['urgency'] | undefined): number {
  return level === undefined ? urgencies.length : urgencies.indexOf(level);
}

function compareLater(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  const [from, to] = [instantOf(a) ?? -Infinity, instantOf(b) ?? -Infinity];
  return from === to ? 0 : to - from;
}
