import type { ProblemRecord } from '../registry/record.ts';
import type { ScanFindings } from '../reporters/json.ts';
import type { Task, TaskKind } from '../tasks/types.ts';
import type { Evaluation } from './findings.ts';

/** What of a scan is wanted. An empty list wants all; a record without a severity or status has none of a list. */
export interface ScanFilter {
  readonly recordKinds: readonly ProblemRecord['kind'][];
  readonly taskKinds: readonly TaskKind[];
  readonly component: readonly string[];
  readonly severity: readonly string[];
  readonly status: readonly string[];
  readonly top: number | undefined;
  readonly minScore: number | undefined;
}

/**
 * Narrows findings: records by what they say, tasks by their own kind and score and by the record they come from,
 * registries and diagnostics by component alone.
 */
export function applyFilter({ registries, tasks, diagnostics }: Evaluation, choice: ScanFilter): ScanFindings {
  const chosen = registries.filter(({ component }) => fits(component, choice.component));
  const paths = new Set(chosen.map(({ path }) => path));
  const left = new Set(registries.filter(({ path }) => !paths.has(path)).map(({ path }) => path));
  const records = chosen.flatMap((registry) => registry.records.filter((record) => isWanted(record, choice)));
  const sources = new Set(records.map(({ path, id }) => sourceOf(path, id)));
  const minimum = choice.minScore ?? Number.NEGATIVE_INFINITY;
  const wanted = tasks.filter(
    (task) =>
      sources.has(sourceOf(task.target, task.problem)) &&
      fits(task.kind, choice.taskKinds) &&
      task.priority.score >= minimum,
  );
  return {
    registries: chosen,
    records,
    tasks: wanted.slice(0, choice.top),
    // What is wrong with a file that could not be read belongs to no registry, and is never left out.
    diagnostics: diagnostics.filter(({ path }) => !left.has(path)),
  };
}

function isWanted(record: ProblemRecord, { recordKinds, severity, status }: ScanFilter): boolean {
  return (
    fits(record.kind, recordKinds) &&
    fits('severity' in record ? record.severity : undefined, severity) &&
    fits('status' in record ? record.status : undefined, status)
  );
}

function fits(value: string | undefined, wanted: readonly string[]): boolean {
  return wanted.length === 0 || (value !== undefined && wanted.includes(value));
}

function sourceOf(path: string, id: string): string {
  return `${path}\n${id}`;
}

/** The tasks of one record. */
export function tasksOf(tasks: readonly Task[], { path, id }: ProblemRecord): readonly Task[] {
  return tasks.filter((task) => task.target === path && task.problem === id);
}
