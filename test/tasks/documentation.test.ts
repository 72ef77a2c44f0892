import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaultClassifier } from '../../src/tasks/index.ts';

describe('docs/tasks.md', () => {
  it('shows the triage table as the code has it', () => {
    const text = readFileSync('docs/tasks.md', 'utf8').replaceAll(/ +/g, ' ');
    const rows = defaultClassifier.rules.map(
      (rule) => `| ${rule.topic} | ${rule.class} | ${rule.remediator ?? 'agent'} |`,
    );
    expect(text).toContain(rows.join('\n'));
  });
});
