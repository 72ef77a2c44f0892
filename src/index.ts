/**
 * The library: text → records → priorities → tasks, and edits back into the text. Nothing here loads a driver, a
 * Markdown parser that is not needed, or a schema that was not asked for.
 */

export { type Config, loadConfig, type LoadConfigOptions } from './config/config.ts';
export { type ErrorCode, ProblemsError } from './errors.ts';
export {
  type Band,
  comparePriorities,
  computePriority,
  defaultPrioritySettings,
  type Attempts,
  type Change,
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
  type PrioritySettings,
  type Provenance,
  type Ranked,
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
  type Resolution,
  resolveRecord,
  setEstimate,
  setField,
  setHeader,
} from './registry/edit/index.ts';
export { blankRecord } from './registry/kinds/blank.ts';
export type { KindDeclaration } from './registry/kinds/declaration.ts';
export { type KindName, kinds } from './registry/kinds/index.ts';
export type { Position, Span } from './registry/position.ts';
export { readRegistry } from './registry/parse/read.ts';
export type {
  ActiveProblem,
  IntermittentProblem,
  ProblemAnalysis,
  ProblemIntegration,
  ProblemPattern,
  ProblemRecord,
  ResolvedProblem,
} from './registry/record.ts';
export type { ReadOptions, Registry, UnknownBlock } from './registry/registry.ts';
export { scan, scanAll, type ScanOptions, type ScanProgress, type ScanResult } from './scan/scan.ts';
export { schemaNames } from './schema/names.ts';
export {
  attemptsIn,
  type Automation,
  type Backlog,
  type BacklogChange,
  type BacklogEntry,
  type BacklogFolder,
  type BacklogNote,
  type BacklogResult,
  generateTasks,
  type GenerateOptions,
  type ProblemClass,
  readBacklog,
  type RegistryInput,
  type Task,
  type TaskFlag,
  type TaskKind,
  type TaskValues,
  type Triage,
  type TriageSettings,
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
