/**
 * The library: text → records → priorities → tasks, and edits back into the text. The use cases of the command line are
 * here too: `scanProblems`, `validate`, `watchProblems`, `findRecord` and the rest of `app/`. Importing this loads no
 * driver, no Markdown parser and no schema library.
 */

export {
  type CheckedRegistries,
  checkRegistries,
  evaluate,
  type EvaluateOptions,
  type Evaluation,
  hasUnreadableFile,
  type ReadRegistries,
} from './app/check.ts';
export {
  addBlankRecord,
  type EditableRegistry,
  editRegistry,
  initRegistry,
  openRegistry,
  type StartingFile,
} from './app/edit-registry.ts';
export {
  type ExplainedTask,
  explainTask,
  findRecord,
  type FindRecordOptions,
  type FoundRecord,
} from './app/find-record.ts';
export { type ImportedFile, type ImportReport, proposeRecords } from './app/import.ts';
export {
  type ImportRecordsOptions,
  planRecordsImport,
  type RecordsImport,
  type RegistryImport,
  writeRecordsImport,
  type WrittenImport,
} from './app/import-records.ts';
export {
  applyFilter,
  checkPaths,
  type PendingScan,
  type ScanEnvironment,
  type ScanFilter,
  type ScanFindings,
  scanProblems,
  type ScanProblemsOptions,
  type ScanReport,
  startScan,
} from './app/scan.ts';
export {
  type AppliedFix,
  applyFixes,
  type RefusedFile,
  validate,
  type ValidateOptions,
  validateText,
  type ValidateTextOptions,
  type Validation,
} from './app/validate.ts';
export {
  exportLearning,
  forecastTasks,
  importLearning,
  type LearnedPattern,
  type LearnedState,
  type LearnOptions,
  resetLearning,
  showLearning,
  type TaskForecast,
  type TaskForecasts,
} from './app/learn.ts';
export type { AttemptRecord } from './learning/past-forecasts.ts';
export type { Interval } from './learning/types.ts';
export { type HandlerEstimate, type LearnedTasks, type LearnedView } from './app/rank-by-learning.ts';
export { writeTasks, type WriteTasksOptions } from './app/write-tasks.ts';
export { type WatchEvent, type WatchOptions, watchProblems } from './app/watch.ts';
export {
  type Config,
  loadConfig,
  type ServiceSection,
  type LearningSettings,
  type LoadConfigOptions,
  type SwarmSettings,
} from './config/config.ts';
export type { AlertSection } from './config/alerts.ts';
export type { Trust } from './config/trust.ts';
export { type ErrorCode, ProblemsError } from './errors.ts';
export {
  type IgnoredHeading,
  type ImportedDates,
  type ImportedKind,
  type ImportedSection,
  type ImportedSectionKey,
  type ImportedSeverity,
  type ImportedStatus,
  type ImportOptions,
  type ImportAction,
  type ImportChange,
  type ImportItem,
  type ImportPlan,
  importProblems,
  type ImportProposal,
  type ImportProvenance,
  type ImportResult,
  type ImportSource,
  type ImportTarget,
  type Lines,
  planImport,
  type PlanOptions,
  sureConfidence,
  titleKey,
} from './import/index.ts';
export {
  type Band,
  comparePriorities,
  computePriority,
  defaultPrioritySettings,
  type Attempts,
  type Change,
  type ChangeOf,
  type Estimate,
  type Estimates,
  type EstimateValues,
  type Explainable,
  type Explanation,
  explainPriority,
  type Factor,
  type LearnedEstimates,
  prioritise,
  type PrioritisedKind,
  type PrioritisedRecord,
  type Priority,
  type PriorityOptions,
  type PriorityResult,
  type PrioritySettings,
  type Provenance,
  type Ranked,
  type RecordText,
  type Rescore,
  type ResourceCost,
  type Urgency,
  type Waiting,
} from './priority/index.ts';
export {
  type Diagnostic,
  diagnosticCatalogue,
  type DiagnosticCode,
  type Fix,
  type Severity,
  type TextEdit,
} from './registry/diagnostics.ts';
export {
  addRecord,
  applyEdits,
  moveRecord,
  newRecord,
  type NewRecordOptions,
  type NewValue,
  type Resolution,
  resolveRecord,
  setEstimate,
  setField,
  setHeader,
  setProse,
} from './registry/edit/index.ts';
export { blankRecord } from './registry/kinds/blank.ts';
export type * from './registry/kinds/declaration.ts';
export { type KindName, kinds } from './registry/kinds/index.ts';
export type { Position, Span } from './registry/position.ts';
export { readRegistry } from './registry/parse/read.ts';
export type { CamelCase } from './registry/names.ts';
export type {
  ActiveProblem,
  IntermittentProblem,
  ProblemAnalysis,
  ProblemIntegration,
  ProblemPattern,
  ProblemRecord,
  RecordBase,
  RecordOf,
  ResolvedProblem,
  SectionValue,
  TypedValue,
} from './registry/record.ts';
export type { ReadOptions, Registry, UnknownBlock } from './registry/registry.ts';
export { scan, scanAll, type ScanOptions, type ScanProgress, type ScanResult } from './scan/scan.ts';
export { schemaNames } from './schema/names.ts';
export {
  type Allowance,
  attemptsIn,
  type Automation,
  classifierWith,
  type Classifier,
  type Backlog,
  type BacklogChange,
  type BacklogEntry,
  type BacklogFolder,
  type BacklogNote,
  type BacklogResult,
  generateTasks,
  type Claims,
  type GenerateOptions,
  type ProblemClass,
  type Policy,
  type PolicyPhrase,
  readBacklog,
  readPolicy,
  type RegistryInput,
  type Task,
  type TaskFlag,
  type TaskKind,
  type TaskValues,
  type Topic,
  triage,
  type Triage,
  type TriageRule,
  type TriageSettings,
  type ScannedProblems,
  writeBacklog,
  type WriteBacklogOptions,
} from './tasks/index.ts';

/**
 * The JSON Schema, draft 2020-12, of one of `schemaNames`: a kind of record, any record, a task, or what a command
 * prints or reads. The schema library is loaded at the first call. Throws a TypeError for any other name.
 */
export async function jsonSchema(name: string): Promise<Readonly<Record<string, unknown>>> {
  const { jsonSchemaOf } = await import('./schema/index.ts');
  return jsonSchemaOf(name);
}
