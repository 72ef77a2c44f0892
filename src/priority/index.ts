export { type Calibrations, readCalibrations } from './calibration.ts';
export { derivedTable } from './derived.ts';
export { diagnose } from './diagnose.ts';
export { estimateRecord, type EstimateSources, type LearnedEstimates } from './estimates.ts';
export { type Change, type Explainable, type Explanation, explainPriority } from './explain.ts';
export { instantOf } from './instant.ts';
export { isOpen, prioritise, type PrioritisedRecord, type PriorityOptions } from './prioritise.ts';
export { comparePriorities, computePriority, noAttempts, type Ranked } from './priority.ts';
export {
  hasPriority,
  matchPhrase,
  type MatchPlace,
  type PrioritisedKind,
  type RecordText,
  recordText,
} from './record-text.ts';
export { rootCauseKnowledge, type RootCauseKnowledge } from './root-cause.ts';
export { checkPrioritySettings, defaultPrioritySettings, type PrioritySettings } from './settings.ts';
export type * from './types.ts';
export type { EstimateValues } from './values.ts';
export { namingWords, phraseStartsAt, wordsOf } from './words.ts';
