import type { Diagnostic } from '../registry/diagnostics.ts';
import {
  type Calibrated,
  type Calibrations,
  type Example,
  findCalibration,
  findTermCalibration,
  readCalibrations,
} from './calibration.ts';
import { type Derived, deriveEstimates } from './derived.ts';
import { diagnose } from './diagnose.ts';
import { type PrioritisedKind, recordText } from './record-text.ts';
import type { Estimate, Estimates } from './types.ts';
import { type EstimateValues, isEstimate } from './values.ts';

/** What outcomes taught, by id of the problem. It stands above calibrations and the header, and below the record. */
export type LearnedEstimates = ReadonlyMap<string, Partial<EstimateValues>>;

export interface EstimateSources {
  /** Of the record's own registry: `readCalibrations` of its integration block. Default: none. */
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
 * the registry's integration block, derived from the header. A stated value out of range, which reading reports, is as
 * good as none. The diagnostics are `estimate-contradiction`: see docs/priority.md for what counts as one.
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
