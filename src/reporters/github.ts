import type { Diagnostic } from '../registry/diagnostics.ts';
import { escapeTerminal } from './escape-terminal.ts';
import { count, worstFirst } from './text/diagnostics.ts';

/** GitHub shows ten annotations of each level per step and silently drops the rest. */
const shownPerLevel = 10;

/**
 * Workflow commands that GitHub turns into annotations, worst first, as many of each level as it shows; a final notice
 * tells how many are hidden. Source: GitHub Actions, "Workflow commands".
 * @param repositoryPath Turns the path of a diagnostic into one from the root of the repository, which GitHub wants.
 */
export function githubReport(
  diagnostics: readonly Diagnostic[],
  repositoryPath: (path: string) => string = (path) => path,
): string {
  const shown = { error: 0, warning: 0 };
  const hidden = { error: 0, warning: 0 };
  let report = '';
  for (const diagnostic of worstFirst(diagnostics)) {
    const level = diagnostic.severity;
    if (shown[level] === shownPerLevel) hidden[level]++;
    else {
      shown[level]++;
      report += annotation({ ...diagnostic, path: repositoryPath(diagnostic.path) });
    }
  }
  if (hidden.error + hidden.warning === 0) return report;
  const rest = `${count(hidden.error, 'more error')} and ${count(hidden.warning, 'more warning')}`;
  return `${report}::notice title=problems::${rest} not shown here; \`problems validate\` lists them all\n`;
}

function annotation({ severity, path, place, code, message, hint }: Diagnostic): string {
  const properties = [`file=${property(path)}`, `line=${place.line}`, `endLine=${place.endLine}`];
  // GitHub accepts columns only if both ends are on one line.
  if (place.line === place.endLine) properties.push(`col=${place.column}`, `endColumn=${place.endColumn}`);
  properties.push(`title=${property(code)}`);
  return `::${severity} ${properties.join(',')}::${data(hint === '' ? message : `${message} ${hint}`)}\n`;
}

/** What GitHub gives back as it was is encoded; other control characters and marks of direction are written as escapes. */
function data(text: string): string {
  return text
    .split(/([%\r\n])/)
    .map(encoded)
    .join('');
}

function encoded(part: string): string {
  return part === '%' ? '%25' : part === '\r' ? '%0D' : part === '\n' ? '%0A' : escapeTerminal(part);
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
