export { readCalibrations } from './calibration.ts';
export { derivedTable } from './estimates.ts';
export { diagnose } from './estimates.ts';
export { estimateRecord, type LearnedEstimates } from './estimates.ts';
export {
  type Change,
  type ChangeOf,
  type Explainable,
  type Explanation,
  explainPriority,
  type Rescore,
  type Waiting,
} from './explain.ts';
export { instantOf } from './priority.ts';
export { isOpen, prioritise, type PrioritisedRecord, type PriorityOptions } from './prioritise.ts';
export {
  comparePriorities,
  computePriority,
  cooldownFactor,
  cooldownHours,
  hoursLeft,
  type Ranked,
  scoreOf,
  urgencies,
  weightedScales,
} from './priority.ts';
export { matchPhrase, type PrioritisedKind, type RecordText, recordText } from './record-text.ts';
export { rootCauseKnowledge } from './estimates.ts';
export { defaultPrioritySettings, type PrioritySettings } from './settings.ts';
export type * from './types.ts';
export type { EstimateValues } from './priority.ts';
export { namingWords, phraseStartsAt, wordsOf } from './record-text.ts';
