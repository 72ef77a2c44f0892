import type { Diagnostic } from '../registry/diagnostics.ts';

/** JSON with two blanks of indent and a line end. What a terminal would obey, and JSON lets stand, is escaped. */
export function json(value: unknown): string {
  return `${escaped(JSON.stringify(value, undefined, 2))}\n`;
}

/** The same in one line, for streams of several values. */
export function jsonLine(value: unknown): string {
  return `${escaped(JSON.stringify(value))}\n`;
}

// The direction marks and C1 controls can only stand inside strings, so an escape keeps the JSON's meaning.
function escaped(json: string): string {
  return json.replace(
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
