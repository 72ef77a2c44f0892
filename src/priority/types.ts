import type { Diagnostic } from '../registry/diagnostics.ts';

export type Urgency = 'critical' | 'high' | 'medium' | 'low';
export type ResourceCost = 'minimal' | 'moderate' | 'heavy';

/**
 * Where an estimate comes from: `stated` in the record, `calibrated` from the registry's integration block,
 * `derived` from the record's header by the table in docs/priority.md, `learned` from outcomes.
 */
export type Provenance = 'stated' | 'calibrated' | 'derived' | 'learned';

export interface Estimate<Value> {
  readonly value: Value;
  readonly provenance: Provenance;
  /** One sentence for people: which line, calibration or table row it came from. */
  readonly reason: string;
}

/** The input of a priority. `impact` 1 to 10, `successProb` 0 to 1. */
export interface Estimates {
  readonly impact: Estimate<number>;
  readonly urgency: Estimate<Urgency>;
  readonly successProb: Estimate<number>;
  readonly resourceCost: Estimate<ResourceCost>;
}

export type Band = 'critical' | 'high' | 'medium' | 'low';

/** One factor of the formula: its estimate, the number on the scale, and that number after its weight. */
export interface Factor {
  /** `lasts`: the share of the next days for which a fix holds; `prevents`: what else it prevents. Only in the profile `learned`. */
  readonly name: 'impact' | 'urgency' | 'success' | 'lasts' | 'prevents' | 'cost' | 'cooldown';
  readonly estimate: string | number;
  readonly scale: number;
  readonly weight: number;
  readonly weighted: number;
  readonly provenance: Provenance | 'attempts';
  readonly reason: string;
}

/** priority = (impact × urgency × success) ÷ (cost × cooldown), in the profile `learned` also × lasts × prevents. Always finite. */
export interface Priority {
  readonly score: number;
  readonly band: Band;
  readonly factors: readonly Factor[];
}

/** Failed attempts on a task, from which its cooldown follows. */
export interface Attempts {
  readonly failures: number;
  /** Hours since the last failure; 0 without failures. */
  readonly hoursSinceFailure: number;
}

export interface PriorityResult {
  readonly estimates: Estimates;
  readonly priority: Priority;
  readonly diagnostics: readonly Diagnostic[];
}
