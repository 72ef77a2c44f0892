import type { ActiveProblem, IntermittentProblem, ProblemPattern } from '../registry/record.ts';
import type { PrioritisedKind } from './record-text.ts';
import { type RootCauseKnowledge, rootCauseKnowledge } from './root-cause.ts';
import type { Estimates } from './types.ts';
import { type EstimateValues, impactRange } from './values.ts';

/** An estimate from the header, with the rows of the table that it comes from. */
export type Derived = {
  readonly [Name in keyof Estimates]: { readonly value: EstimateValues[Name]; readonly reason: string };
};

/**
 * The table of docs/priority.md: what a record's header says about an estimate that neither the record nor the
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
export function deriveEstimates(record: PrioritisedKind): Derived {
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
