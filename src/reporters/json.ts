import type { ScanReport } from '../app/scan.ts';
import type { Estimates, Provenance } from '../priority/types.ts';
import type { Diagnostic } from '../registry/diagnostics.ts';
import type { ProblemRecord } from '../registry/record.ts';
import type { BacklogResult } from '../tasks/index.ts';
import type { Task } from '../tasks/types.ts';

/** JSON with two spaces of indent and a line end. Escapes control characters that JSON allows but terminals interpret. */
export function toJson(value: unknown): string {
  return `${escaped(JSON.stringify(value, undefined, 2))}\n`;
}

/** The same in one line, for streams of several values. */
export function jsonLine(value: unknown): string {
  return `${escaped(JSON.stringify(value))}\n`;
}

// Bidirectional marks and C1 controls can only occur inside strings, so escaping them does not change the value.
function escaped(written: string): string {
  return written.replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A diagnostic as `--json` and `--format json` print it: flat, its place as lines and columns. */
export interface DiagnosticJson {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  readonly code: string;
  readonly severity: string;
  readonly message: string;
  readonly hint: string;
}

export function diagnosticJson({ path, place, code, severity, message, hint }: Diagnostic): DiagnosticJson {
  const { line, column, endLine, endColumn } = place;
  return { path, line, column, endLine, endColumn, code, severity, message, hint };
}

/** A task as `--json` prints it: its estimates as plain values, and under the same keys where each comes from. */
export interface TaskJson extends Omit<Task, 'estimates'> {
  readonly estimates: { readonly [Name in keyof Estimates]: Estimates[Name]['value'] };
  readonly provenance: { readonly [Name in keyof Estimates]: Provenance };
}

export function taskJson(task: Task): TaskJson {
  const { impact, urgency, successProb, resourceCost } = task.estimates;
  return {
    ...task,
    estimates: {
      impact: impact.value,
      urgency: urgency.value,
      successProb: successProb.value,
      resourceCost: resourceCost.value,
    },
    provenance: {
      impact: impact.provenance,
      urgency: urgency.provenance,
      successProb: successProb.provenance,
      resourceCost: resourceCost.provenance,
    },
  };
}

/** What `problems scan --json` prints: schemas/scan.json. */
export function scanJson(
  { registries, records, tasks, diagnostics, withoutRecords }: Omit<ScanReport, 'all' | 'isRepeatable'>,
  written?: BacklogResult,
): object {
  return {
    schemaVersion: 1,
    registries: registries.map(({ path, component, records: held, unknown }) => ({
      path,
      component,
      records: countsByKind(held),
      ...(unknown.length === 0 ? {} : { unknown }),
    })),
    records,
    tasks: tasks.map(taskJson),
    diagnostics: diagnostics.map(diagnosticJson),
    summary: { withoutRecords: withoutRecords.length },
    ...(written === undefined ? {} : { taskFiles: { changes: written.changes, notes: written.notes } }),
  };
}

function countsByKind(records: readonly ProblemRecord[]): Readonly<Record<ProblemRecord['kind'], number>> {
  const counts = { active: 0, intermittent: 0, resolved: 0, pattern: 0, analysis: 0, integration: 0 };
  for (const { kind } of records) counts[kind]++;
  return counts;
}

/** What `problems validate --format json` prints: schemas/validate.json. */
export function validationJson(validation: {
  readonly registries: number;
  readonly fixed: readonly {
    readonly path: string;
    readonly line: number;
    readonly code: string;
    readonly description: string;
  }[];
  readonly diagnostics: readonly Diagnostic[];
}): object {
  const { registries, fixed, diagnostics } = validation;
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
  return {
    schemaVersion: 1,
    registries,
    errors,
    warnings: diagnostics.length - errors,
    fixed,
    diagnostics: diagnostics.map(diagnosticJson),
  };
}
