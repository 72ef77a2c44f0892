import { alertRules } from './rules.ts';

/**
 * The alert rules for Prometheus that `problems serve --rules` prints: YAML, the same on every machine. They mean what the
 * service's own alerts mean.
 */
export function prometheusRules(): string {
  return [
    '# The alert rules of `problems serve` for Prometheus. Print them again after an update: problems serve --rules',
    'groups:',
    '  - name: problems',
    '    rules:',
    ...alertRules.flatMap(({ name, expr, forSeconds, severity, summary }) => [
      `      - alert: ${name}`,
      `        expr: ${quoted(expr)}`,
      ...(forSeconds === 0 ? [] : [`        for: ${forSeconds}s`]),
      '        labels:',
      `          severity: ${severity}`,
      '        annotations:',
      `          summary: ${quoted(summary)}`,
    ]),
    '',
  ].join('\n');
}

/** A scalar in single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
