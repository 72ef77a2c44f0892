import type { Diagnostic } from '../registry/diagnostics.ts';
import type { ProblemRecord } from '../registry/record.ts';
import { readCalibrations } from './calibration.ts';
import { diagnose, estimateRecord, type LearnedEstimates } from './estimates.ts';
import { computePriority, noAttempts } from './priority.ts';
import { hasPriority, type PrioritisedKind } from './record-text.ts';
import { defaultPrioritySettings, type PrioritySettings } from './settings.ts';
import type { PriorityResult } from './types.ts';

export interface PriorityOptions {
  /** Default: the published scales and weights. */
  readonly settings?: PrioritySettings;
  /** Default: none. */
  readonly learned?: LearnedEstimates;
}

export interface PrioritisedRecord extends Pick<PriorityResult, 'estimates' | 'priority'> {
  readonly record: PrioritisedKind;
}

/**
 * The priority of every problem of one registry, in the order of its records and without any attempt counted. The
 * registry's first integration block calibrates. Diagnostics: `estimate-contradiction` and `score-tie`.
 */
export function prioritise(
  records: readonly ProblemRecord[],
  { settings = defaultPrioritySettings, learned }: PriorityOptions = {},
): { readonly records: readonly PrioritisedRecord[]; readonly diagnostics: readonly Diagnostic[] } {
  const calibrations = readCalibrations(records.find((record) => record.kind === 'integration'));
  const sources = learned === undefined ? { calibrations } : { calibrations, learned };
  const results = records.filter(hasPriority).map((record) => {
    const { estimates, diagnostics } = estimateRecord(record, sources);
    return { record, estimates, priority: computePriority(estimates, noAttempts, settings), diagnostics };
  });
  return {
    records: results.map(({ record, estimates, priority }) => ({ record, estimates, priority })),
    diagnostics: [...results.flatMap(({ diagnostics }) => diagnostics), ...scoreTies(results)],
  };
}

/** Whether an Active record still needs work. */
export function isOpen(record: ProblemRecord): boolean {
  return record.kind === 'active' && record.status !== 'resolved' && record.status !== "won't-fix";
}

/**
 * Open problems with exactly the same score: each is reported at its title, against the first of them. Only records
 * that state an estimate count, since without one a tie only means that two headers are similar.
 */
function scoreTies(results: readonly PrioritisedRecord[]): readonly Diagnostic[] {
  const first = new Map<number, PrioritisedKind>();
  const diagnostics: Diagnostic[] = [];
  for (const { record, estimates, priority } of results) {
    if (!isOpen(record) || !Object.values(estimates).some(({ provenance }) => provenance === 'stated')) continue;
    const other = first.get(priority.score);
    if (other === undefined) first.set(priority.score, record);
    else
      diagnostics.push(
        diagnose('score-tie', record, ['title'], `${record.id} and ${other.id} both score ${priority.score}.`),
      );
  }
  return diagnostics;
}
