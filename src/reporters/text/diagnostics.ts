import type { Diagnostic } from '../../registry/diagnostics.ts';
import { plain, type Style, escapeTerminal } from '../escape-terminal.ts';

/** Errors before warnings, otherwise in the same order. For outputs of which only the first part is shown. */
export function worstFirst(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return [
    ...diagnostics.filter((diagnostic) => diagnostic.severity === 'error'),
    ...diagnostics.filter((diagnostic) => diagnostic.severity === 'warning'),
  ];
}

/**
 * One line per diagnostic, `path:line:column: severity message [code]`, for editors and problem matchers, followed by its
 * hint. Empty without diagnostics, else ends with a line end.
 */
export function textReport(diagnostics: readonly Diagnostic[], style: Style = plain): string {
  let report = '';
  for (const { path, place, severity, message, code, hint } of diagnostics) {
    const position = style('path', `${escapeTerminal(path)}:${place.line}:${place.column}:`);
    report += `${position} ${style(severity, severity)} ${escapeTerminal(message)} ${style('faint', `[${code}]`)}\n`;
    if (hint !== '') report += `    ${style('faint', `hint: ${escapeTerminal(hint)}`)}\n`;
  }
  return report;
}

/** `2 errors, 1 warning`, with `no` for none. */
export function countText(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error').length;
  return `${count(errors, 'error')}, ${count(diagnostics.length - errors, 'warning')}`;
}

/** `1 task`, `2 tasks`, `no tasks`. */
export function count(number: number, noun: string): string {
  return `${number === 0 ? 'no' : number} ${noun}${number === 1 ? '' : 's'}`;
}
