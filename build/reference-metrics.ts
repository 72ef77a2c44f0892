import { metricDeclarations } from '../src/service/metrics/declarations.ts';

/** docs/reference/metrics.md: every metric of the service. */
export function metricsReference(): string {
  return [
    '<!-- Generated from src/service/metrics/declarations.ts by `npm run generate`. Do not edit. -->',
    '# Metrics',
    '`/metrics` of `problems serve` has these metrics; [docs/metrics.md](../metrics.md) says how to scrape and use them.',
    table(
      ['Metric', 'Type', 'Labels', 'Value'],
      metricDeclarations.map(({ name, type, labels, help, buckets }) => [
        `\`${name}\``,
        type,
        labels.map((label) => `\`${label}\``).join(', '),
        buckets === undefined ? help : `${help} Buckets: ${buckets.join(', ')}.`,
      ]),
    ),
  ].join('\n\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
