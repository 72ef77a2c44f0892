import type { Diagnostic } from '../registry/diagnostics.ts';

/** Errors before warnings; within each the order stays. For outputs of which only the first part is shown. */
export function worstFirst(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return [
    ...diagnostics.filter((diagnostic) => diagnostic.severity === 'error'),
    ...diagnostics.filter((diagnostic) => diagnostic.severity === 'warning'),
  ];
}
