import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaultPrioritySettings, derivedTable } from '../../src/priority/index.ts';

const text = readFileSync('docs/priority.md', 'utf8').replaceAll(/\s+/g, ' ');

function listed(values: Readonly<Record<string, string | number>>, sign = ''): string {
  return Object.entries(values)
    .map(([term, value]) => `${term} ${typeof value === 'number' && value >= 0 ? sign : ''}${value}`)
    .join(', ');
}

describe('docs/priority.md', () => {
  it('shows the default scales, weights and bands', () => {
    const { urgency, cost, weights, bands } = defaultPrioritySettings;
    expect(text).toContain(listed(urgency));
    expect(text).toContain(listed(cost));
    for (const [factor, weight] of Object.entries(weights))
      expect(text).toMatch(new RegExp(`\\| ${factor} \\|[^|]*\\|[^|]*\\| ${weight.toFixed(1)} \\|`));
    expect(text).toContain(`critical from ${bands.critical}, high from ${bands.high}, medium from ${bands.medium}`);
  });

  it('shows the table of derived estimates as the code has it', () => {
    const { active, intermittent, pattern, resolved } = derivedTable;
    expect(text).toContain(`impact: ${listed(active.impact.severity)}`);
    expect(text).toContain(listed(active.impact.frequency, '+'));
    expect(text).toContain(`urgency: ${listed(active.urgency.impact)}`);
    expect(text).toContain(`success probability: ${listed(active.successProb.rootCause)}`);
    expect(text).toContain(`resource cost: ${listed(active.resourceCost.severity)}`);
    const rows = [
      ...Object.entries(intermittent).map(([term, row]) => ['intermittent', term, row] as const),
      ...Object.entries(pattern).map(([term, row]) => ['pattern', term, row] as const),
      ['resolved', 'any', resolved] as const,
    ];
    expect(rows).toHaveLength(12);
    for (const [kind, term, row] of rows) {
      expect(text).toContain(
        `| ${kind} | ${term} | ${row.impact} | ${row.urgency} | ${row.successProb} | ${row.resourceCost} |`,
      );
    }
  });
});
