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
  it('between two open problems is reported at the title of the later one', () => {
    expect(prioritise([ports, pool]).diagnostics).toMatchObject([
      {
        code: 'score-tie',
        severity: 'warning',
        place: line(51),
        message: 'postgres/pool and postgres/ports both score 10.368.',
      },
    ]);
  });

  it('between three is reported twice, against the first', () => {
    const third = active({ ...ports, title: 'Third', id: 'postgres/third' });
    expect(prioritise([ports, pool, third]).diagnostics.map(({ message }) => message)).toEqual([
      'postgres/pool and postgres/ports both score 10.368.',
      'postgres/third and postgres/ports both score 10.368.',
    ]);
  });

  it.each(['resolved', "won't-fix"] as const)('does not matter where one is %s', (status) => {
    expect(prioritise([ports, { ...pool, status }]).diagnostics).toEqual([]);
  });

  it('does not matter where the records state nothing and only their headers look alike', () => {
    expect(prioritise([active({ title: 'One' }), active({ title: 'Two' })]).diagnostics).toEqual([]);
  });
});

describe('a registry', () => {
  it('is calibrated by its integration block, which itself has no priority', () => {
    const policy = integration({ priorityCalculation: { severityFrequencyImpactScore: '(slow starts = 2)' } });
    const { records } = prioritise([active({ title: 'Slow Starts' }), policy]);
    expect(records.map(({ record, estimates }) => [record.title, estimates.impact.value])).toEqual([
      ['Slow Starts', 2],
    ]);
  });
});
