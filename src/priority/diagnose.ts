import { type Diagnostic, diagnosticCatalogue, type DiagnosticCode } from '../registry/diagnostics.ts';
import type { Place } from '../registry/position.ts';
import type { ProblemRecord } from '../registry/record.ts';

/** A diagnostic at one of a record's values: the first of the property paths that has a place, else the whole record. */
export function diagnose(
  code: DiagnosticCode,
  record: ProblemRecord,
  properties: readonly string[],
  message: string,
): Diagnostic {
  const { severity, hint } = diagnosticCatalogue[code];
  return { code, severity, message, hint, path: record.path, place: placeOf(record, properties) };
}

function placeOf(record: ProblemRecord, properties: readonly string[]): Place {
  const property = properties.find((candidate) => Object.hasOwn(record.places, candidate));
  return (property === undefined ? undefined : record.places[property]) ?? record.place;
}
