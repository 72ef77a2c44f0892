import { type Diagnostic, diagnosticCatalogue, type DiagnosticCode } from '../registry/diagnostics.ts';
import type { Position } from '../registry/position.ts';
import type { ActiveProblem, IntermittentProblem, ProblemPattern, ProblemRecord } from '../registry/record.ts';
import {
  type Calibrated,
  type Calibrations,
  type Example,
  findCalibration,
  findTermCalibration,
  readCalibrations,
} from './calibration.ts';
import { type EstimateValues, impactRange, isEstimate } from './priority.ts';
import { type PrioritisedKind, recordText } from './record-text.ts';
import type { Estimate, Estimates } from './types.ts';

/** How much a Root Cause field tells. */
export type RootCauseKnowledge = 'known' | 'suspected' | 'unknown';

const mark = '[\\s!-/:-@[-`{-~]';

const start = `^${mark}*`;

/** Positions where a field is about the cause itself: at the start of the field or a part, and after `is` and the like. */
const lead =
  `(?:${start}|[(:;.,\\u2013\\u2014]\\s*|\\b(?:is|are|was|has|have|had|been|remains?|stays?|cause|reason|origin)\\s+)` +
  '(?:(?:still|currently|yet|as yet|so far|largely)\\s+)?[*_`"\'\\[]*';

/** What may follow: the end, a mark, or a word that is not a noun. `unknown hosts` are not an unknown cause. */
const end =
  '(?=[ \\t]*(?:$|[\\n.,;:!?()*_`"\'\\]\\u2013\\u2014]|-[\\s-])|' +
  '\\s+(?:why|how|what|which|where|when|who|whether|if|at (?:present|this|the moment)|yet|so far|as (?:of|yet)|until|for now|(?:root )?cause|reason|origin|but|and|or|still|currently|now)\\b)';

const noCause = new RegExp(
  [
    `^(?:none(?: (?:known|found|identified|yet|so far))*|n/a|no|not yet|tb[ad]|to ?do|-+|\\?+)(?:${mark}|[\\u2010-\\u205E])*$`,
    '^(?:n/a|tb[ad]|to ?do)\\s*[,;:.(\\u2013\\u2014-]',
  ].join('|'),
  'i',
);

/** A quick check: without one of these words the next pattern, which checks their context, cannot match. */
const unknownWord =
  /\b(?:un(?:known|clear|determined|identified)|not (?:yet|fully|been|known|clear|determined|identified|understood|found)|under investigation|to be (?:determined|found|investigated|analy[sz]ed))\b/i;

const unknown = new RegExp(
  [
    `${lead}(?:un(?:known|clear|determined|identified)|not (?:(?:yet|fully|been) )*(?:known|clear|determined|identified|understood))${end}`,
    `(?:${start}|\\b(?:cause|reason|origin)(?:\\s+\\w+){0,3}\\s+)not (?:(?:yet|been) )*found${end}`,
    `${lead}(?:under investigation|to be (?:determined|investigated|analy[sz]ed))\\b`,
    `(?:${start}|\\b(?:cause|reason|origin)(?:\\s+\\w+){0,3}\\s+)to be found${end}`,
  ].join('|'),
  'i',
);

const suspected = new RegExp(
  [
    '\\b(?:suspect\\w*|presumabl[ye]|presumed|hypothes[ie]s)\\b',
    `${start}(?:unconfirmed|uncertain)\\b`,
    `\\b(?:unconfirmed|uncertain|not (?:yet )?confirmed)${end}`,
    '(?:^|\\bis |\\()(?:most |very |quite )?(?:likely|probabl[ye]|possibl[ye]|perhaps|maybe)\\b',
    '\\?\\s*$',
  ].join('|'),
  'i',
);

/**
 * Whether a root cause is known, suspected or unknown, by the words in docs/priority.md. They count only if they are about
 * the cause: "a bug: unknown hosts are tried" and "makes a clash likely" are known causes.
 */
export function rootCauseKnowledge(rootCause: string | undefined): RootCauseKnowledge {
  const text = rootCause?.trim().slice(0, 2000) ?? '';
  if (text === '' || noCause.test(text)) return 'unknown';
  if (unknownWord.test(text) && unknown.test(text)) return 'unknown';
  return suspected.test(text) ? 'suspected' : 'known';
}

/** An estimate from the header, with the rows of the table that it comes from. */
export type Derived = {
  readonly [Name in keyof Estimates]: { readonly value: EstimateValues[Name]; readonly reason: string };
};

/**
 * The table of docs/priority.md: estimates from a record's header, for an estimate that neither the record nor the
 * registry's calibrations give. `unstated` is the row of a header without the label.
 */
export const derivedTable = {
  active: {
    impact: {
      severity: { critical: 9, high: 7, medium: 4, low: 2, unstated: 4 },
      frequency: { constant: 2, frequent: 1, occasional: 0, rare: -1, unstated: 0 },
    },
    urgency: {
      impact: {
        system_down: 'critical',
        degraded_performance: 'high',
        user_impact: 'medium',
        cosmetic: 'low',
        unstated: 'medium',
      },
    },
    successProb: { rootCause: { known: 0.8, suspected: 0.6, unknown: 0.5 } },
    resourceCost: {
      severity: { critical: 'heavy', high: 'moderate', medium: 'moderate', low: 'minimal', unstated: 'moderate' },
    },
  },
  intermittent: {
    time_based: { impact: 5, urgency: 'medium', successProb: 0.7, resourceCost: 'moderate' },
    load_based: { impact: 6, urgency: 'medium', successProb: 0.6, resourceCost: 'moderate' },
    random: { impact: 5, urgency: 'medium', successProb: 0.4, resourceCost: 'heavy' },
    environmental: { impact: 5, urgency: 'medium', successProb: 0.7, resourceCost: 'moderate' },
    unstated: { impact: 5, urgency: 'medium', successProb: 0.5, resourceCost: 'moderate' },
  },
  pattern: {
    performance: { impact: 6, urgency: 'medium', successProb: 0.7, resourceCost: 'moderate' },
    reliability: { impact: 8, urgency: 'medium', successProb: 0.7, resourceCost: 'heavy' },
    security: { impact: 9, urgency: 'high', successProb: 0.7, resourceCost: 'heavy' },
    usability: { impact: 4, urgency: 'low', successProb: 0.8, resourceCost: 'moderate' },
    integration: { impact: 6, urgency: 'medium', successProb: 0.8, resourceCost: 'moderate' },
    unstated: { impact: 5, urgency: 'medium', successProb: 0.7, resourceCost: 'moderate' },
  },
  resolved: { impact: 3, urgency: 'low', successProb: 0.9, resourceCost: 'minimal' },
} as const satisfies DerivedTable;

interface DerivedTable {
  readonly active: {
    readonly impact: {
      readonly severity: ByTerm<ActiveProblem['severity'], number>;
      readonly frequency: ByTerm<ActiveProblem['frequency'], number>;
    };
    readonly urgency: { readonly impact: ByTerm<ActiveProblem['impact'], EstimateValues['urgency']> };
    readonly successProb: { readonly rootCause: Readonly<Record<RootCauseKnowledge, number>> };
    readonly resourceCost: { readonly severity: ByTerm<ActiveProblem['severity'], EstimateValues['resourceCost']> };
  };
  readonly intermittent: ByTerm<IntermittentProblem['pattern'], EstimateValues>;
  readonly pattern: ByTerm<ProblemPattern['category'], EstimateValues>;
  readonly resolved: EstimateValues;
}

type ByTerm<Term extends string | undefined, Value> = Readonly<Record<NonNullable<Term> | 'unstated', Value>>;

/** Estimates from the header alone, by the table above. */
function deriveEstimates(record: PrioritisedKind): Derived {
  switch (record.kind) {
    case 'active':
      return deriveActive(record);
    case 'intermittent':
      return ofRow(derivedTable.intermittent[record.pattern ?? 'unstated'], saying('Pattern', record.pattern));
    case 'pattern':
      return ofRow(derivedTable.pattern[record.category ?? 'unstated'], saying('Category', record.category));
    case 'resolved':
      return ofRow(derivedTable.resolved, 'a resolved problem');
  }
}

function deriveActive({ severity, frequency, impact, investigationStatus }: ActiveProblem): Derived {
  const table = derivedTable.active;
  const cause = rootCauseKnowledge(investigationStatus?.rootCause);
  const score = table.impact.severity[severity ?? 'unstated'] + table.impact.frequency[frequency ?? 'unstated'];
  return {
    impact: {
      value: Math.min(impactRange.maximum, Math.max(impactRange.minimum, score)),
      reason: derivedFrom(`${saying('Severity', severity)} and ${saying('Frequency', frequency)}`),
    },
    urgency: {
      value: table.urgency.impact[impact ?? 'unstated'],
      reason: derivedFrom(saying('Impact', impact)),
    },
    successProb: {
      value: table.successProb.rootCause[cause],
      reason: derivedFrom(`a root cause that is ${cause}`),
    },
    resourceCost: {
      value: table.resourceCost.severity[severity ?? 'unstated'],
      reason: derivedFrom(saying('Severity', severity)),
    },
  };
}

function ofRow(row: EstimateValues, source: string): Derived {
  const reason = derivedFrom(source);
  return {
    impact: { value: row.impact, reason },
    urgency: { value: row.urgency, reason },
    successProb: { value: row.successProb, reason },
    resourceCost: { value: row.resourceCost, reason },
  };
}

function saying(label: string, term: string | undefined): string {
  return term === undefined ? `a header without ${label}` : `${label} ${term}`;
}

function derivedFrom(source: string): string {
  return `Derived from ${source}, by the table in docs/priority.md.`;
}

/** A diagnostic at one of a record's values: the first of the property paths that has a place, else the whole record. */
export function diagnose(
  code: DiagnosticCode,
  record: ProblemRecord,
  properties: readonly string[],
  message: string,
): Diagnostic {
  const { severity, hint } = diagnosticCatalogue[code];
  return { code, severity, message, hint, path: record.path, place: placeOf(record, properties) };
}

function placeOf(record: ProblemRecord, properties: readonly string[]): Position {
  const property = properties.find((candidate) => Object.hasOwn(record.places, candidate));
  return (property === undefined ? undefined : record.places[property]) ?? record.place;
}

/** Values learned from outcomes, by problem id. They override calibrations and the header, but not the record. */
export type LearnedEstimates = ReadonlyMap<string, Partial<EstimateValues>>;

export interface EstimateSources {
  /** Calibrations of the record's own registry, from `readCalibrations`. Default: none. */
  readonly calibrations?: Calibrations;
  /** Default: none. */
  readonly learned?: LearnedEstimates;
}

const noCalibrations = readCalibrations(undefined);

const yamlKeys = {
  impact: 'impact',
  urgency: 'urgency',
  successProb: 'success_prob',
  resourceCost: 'resource_cost',
} as const;

/**
 * The four estimates of a record, each from the first source that has it: stated in the record, learned, calibrated by
 * the registry's integration block, derived from the header. A stated value out of range, which is reported when reading,
 * is ignored. The diagnostics are `estimate-contradiction`: see docs/priority.md for what counts as one.
 */
export function estimateRecord(
  record: PrioritisedKind,
  { calibrations = noCalibrations, learned }: EstimateSources = {},
): { readonly estimates: Estimates; readonly diagnostics: readonly Diagnostic[] } {
  const text = recordText(record);
  const stated: Partial<EstimateValues> = record.kind === 'active' ? (record.priorityEstimates ?? {}) : {};
  const outcomes = learned?.get(record.id) ?? {};
  const diagnostics: Diagnostic[] = [];
  let derived: Derived | undefined;

  function estimate<Name extends keyof EstimateValues>(
    name: Name,
    statedValue: EstimateValues[Name] | undefined,
    learnedValue: EstimateValues[Name] | undefined,
    candidates: readonly Example<EstimateValues[Name]>[],
    fallback: (table: Derived) => { readonly value: EstimateValues[Name]; readonly reason: string },
  ): Estimate<EstimateValues[Name]> {
    if (isEstimate[name](statedValue)) {
      const calibrated = findTermCalibration(candidates, text);
      if (calibrated !== undefined && calibrated.value !== statedValue) {
        diagnostics.push(contradiction(record, name, statedValue, calibrated));
      }
      return { value: statedValue, provenance: 'stated', reason: `Stated as ${yamlKeys[name]} in the record.` };
    }
    if (isEstimate[name](learnedValue)) {
      return { value: learnedValue, provenance: 'learned', reason: 'Learned from the outcomes of earlier work on it.' };
    }
    const calibrated = findCalibration(candidates, text);
    if (calibrated !== undefined) {
      return { value: calibrated.value, provenance: 'calibrated', reason: calibratedBy(calibrated) };
    }
    const { value, reason } = fallback((derived ??= deriveEstimates(record)));
    return { value, provenance: 'derived', reason };
  }

  const { impact, urgency, successProb, resourceCost } = calibrations;
  const estimates: Estimates = {
    impact: estimate('impact', stated.impact, outcomes.impact, impact, (table) => table.impact),
    urgency: estimate('urgency', stated.urgency, outcomes.urgency, urgency, (table) => table.urgency),
    successProb: estimate(
      'successProb',
      stated.successProb,
      outcomes.successProb,
      successProb,
      (table) => table.successProb,
    ),
    resourceCost: estimate(
      'resourceCost',
      stated.resourceCost,
      outcomes.resourceCost,
      resourceCost,
      (table) => table.resourceCost,
    ),
  };
  return { estimates, diagnostics };
}

function calibratedBy({ phrase, value, foundIn }: Calibrated<string | number>): string {
  const where = foundIn === 'term' ? 'a term of its header' : `its ${foundIn}`;
  return `Calibrated by "${phrase} = ${value}" in the registry's integration block, which fits ${where}.`;
}

function contradiction(
  record: PrioritisedKind,
  name: keyof EstimateValues,
  stated: string | number,
  { phrase, value }: Calibrated<string | number>,
): Diagnostic {
  const key = yamlKeys[name];
  const property = `priorityEstimates.${name}`;
  const message = `${key} is stated as ${stated}, but the registry's own calibration says ${phrase} = ${value}.`;
  const diagnostic = diagnose('estimate-contradiction', record, [property, 'priorityEstimates', 'title'], message);
  const place = record.places[property];
  if (place === undefined) return diagnostic;
  const edits = [{ start: place.offset, end: place.endOffset, text: String(value) }];
  return { ...diagnostic, fix: { description: `Set ${key} to ${value}, as calibrated.`, safe: false, edits } };
}
