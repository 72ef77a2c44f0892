import { type Diagnostic, diagnosticCatalogue, type DiagnosticCode, type Fix } from './diagnostics.ts';
import type { LineIndex, Span } from './position.ts';

/** What a finding says beyond its code. Where a part is absent, the catalogue's own words stand in. */
export interface ReportDetails {
  readonly message?: string;
  readonly hint?: string;
  readonly fix?: Fix;
}

/** Collects the diagnostics of one text. */
export interface Report {
  readonly diagnostics: readonly Diagnostic[];
  add(code: DiagnosticCode, span: Span, details?: ReportDetails): void;
}

export function createReport(path: string, index: LineIndex): Report {
  const diagnostics: Diagnostic[] = [];
  return {
    diagnostics,
    add(code, span, { message, hint, fix } = {}) {
      const { severity, summary, hint: usual } = diagnosticCatalogue[code];
      diagnostics.push({
        code,
        severity,
        message: message ?? summary,
        hint: hint ?? usual,
        path,
        place: index.place(span),
        ...(fix === undefined ? {} : { fix }),
      });
    },
  };
}

/** By place, then by code: the order in which a person reads a file. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.toSorted(
    (a, b) =>
      a.place.offset - b.place.offset ||
      a.place.endOffset - b.place.endOffset ||
      (a.code < b.code ? -1 : a.code > b.code ? 1 : 0),
  );
}

/** A piece of a user's text for a message: one line, at most 60 characters, no control characters. */
export function quote(text: string): string {
  const line = text.replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim();
  return line.length > 60 ? `"${line.slice(0, 59)}…"` : `"${line}"`;
}
