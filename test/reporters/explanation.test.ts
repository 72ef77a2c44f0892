import { describe, expect, it } from 'vitest';
import { explainPriority } from '../../src/priority/index.ts';
import { explanationText } from '../../src/reporters/text/records.ts';
import { plain } from '../../src/reporters/escape-terminal.ts';
import { generateTasks } from '../../src/tasks/index.ts';
import { active, stating } from '../priority/records.ts';

const known = { investigationStatus: { rootCause: 'A lock is not taken' } };

/** The last lines of the explanation of Ports, below Pool, whose estimates are the best there are. */
function changesOfPorts(severity: 'high' | 'low', failures: number, success = 1): string {
  const records = [
    active({ title: 'Ports', ...known, severity, ...stating(10, 'critical', success, 'minimal') }),
    active({ title: 'Pool', ...known, ...stating(10, 'critical', 1, 'minimal'), severity: 'medium' }),
  ];
  const id = 'resolution-postgres--ports';
  const attempts = new Map([[id, { failures, hoursSinceFailure: 0 }]]);
  const { tasks } = generateTasks([{ path: 'p', component: 'postgres', records }], { attempts });
  const [task, explanation] = [tasks.find((one) => one.id === id), explainPriority(id, tasks)];
  if (task === undefined || explanation === undefined) throw new Error('There is no such task.');
  return explanationText(task, explanation, plain).split('\n\n').at(-1) ?? '';
}

describe('the explanation of a task', () => {
  it('says that no single change moves the task up', () => {
    expect(changesOfPorts('low', 1)).toBe(
      [
        'No single change would move it above resolution-postgres--pool (38.4):',
        '  impact alone cannot: at best the score is 19.2',
        '  urgency alone cannot: at best the score is 19.2',
        '  success_prob alone cannot: at best the score is 19.2',
        '  resource_cost alone cannot: at best the score is 19.2',
        '  waiting alone cannot: after the cooldown the score is 38.4',
        '',
      ].join('\n'),
    );
  });

  it('says how long a failed task has to wait, which may be the only way up', () => {
    expect(changesOfPorts('high', 1)).toMatch(
      /^One of these would move it above .*:\n(?: {2}\w+ alone cannot: .*\n){4} {2}waiting 24 hours: the score is 38.4\n$/,
    );
  });

  it('describes the effect of a better estimate, and no waiting if nothing has failed', () => {
    expect(changesOfPorts('high', 0, 0.5)).toMatch(/^One of these would move it above .*:\n/);
    expect(changesOfPorts('high', 0, 0.5)).not.toContain('waiting');
  });
});
