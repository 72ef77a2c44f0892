import { describe, expect, it } from 'vitest';
import { prioritise } from '../../src/priority/index.ts';
import { active, integration, line, stating } from './records.ts';

const ports = active({
  title: 'Ports',
  place: line(1),
  places: { title: line(2) },
  ...stating(8, 'high', 0.9, 'moderate'),
});
const pool = active({
  title: 'Pool',
  place: line(50),
  places: { title: line(51) },
  ...stating(9, 'high', 0.8, 'moderate'),
});

describe('a tie of scores', () => {
  it('is reported at the title of the later of two open problems', () => {
    expect(prioritise([ports, pool]).diagnostics).toMatchObject([
      {
        code: 'score-tie',
        severity: 'warning',
        place: line(51),
        message: 'postgres/pool and postgres/ports both score 10.368.',
      },
    ]);
  });

  it('is reported twice for three problems, against the first', () => {
    const third = active({ ...ports, title: 'Third', id: 'postgres/third' });
    expect(prioritise([ports, pool, third]).diagnostics.map(({ message }) => message)).toEqual([
      'postgres/pool and postgres/ports both score 10.368.',
      'postgres/third and postgres/ports both score 10.368.',
    ]);
  });

  it.each(['resolved', "won't-fix"] as const)('is not reported if one is %s', (status) => {
    expect(prioritise([ports, { ...pool, status }]).diagnostics).toEqual([]);
  });

  it('is not reported if the records state no estimates and only their headers are alike', () => {
    expect(prioritise([active({ title: 'One' }), active({ title: 'Two' })]).diagnostics).toEqual([]);
  });
});

describe('a registry', () => {
  it('is calibrated by its integration block, which gets no priority itself', () => {
    const policy = integration({ priorityCalculation: { severityFrequencyImpactScore: '(slow starts = 2)' } });
    const { records } = prioritise([active({ title: 'Slow Starts' }), policy]);
    expect(records.map(({ record, estimates }) => [record.title, estimates.impact.value])).toEqual([
      ['Slow Starts', 2],
    ]);
  });
});
