import { type Diagnostic, diagnosticCatalogue, type DiagnosticCode } from '../../src/registry/diagnostics.ts';
import { createLineIndex } from '../../src/registry/position.ts';

/** A diagnostic as the reader would make it from a text, at the first occurrence of `at`. */
export function diagnosticAt(
  text: string,
  at: string,
  code: DiagnosticCode,
  details: Partial<Pick<Diagnostic, 'path' | 'message' | 'hint'>> = {},
): Diagnostic {
  const { severity, summary, hint } = diagnosticCatalogue[code];
  const start = text.indexOf(at);
  const place = createLineIndex(text).place({ start, end: start + at.length });
  return { code, severity, message: summary, hint, path: 'PROBLEMS.md', place, ...details };
}
