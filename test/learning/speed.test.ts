import { describe, expect, it } from 'vitest';
import { historyLine, speedOf } from '../../bench/learning-speed.ts';
import { createPatternModel } from '../../src/learning/patterns.ts';
import { cpuTimeOf } from '../cpu-time.ts';
import { recordView } from './records.ts';

describe('the time to learn', () => {
  it('is a few times the time to parse the same JSON', () => {
    // About 10 times for 100,000 outcomes: docs/learning.md.
    expect(speedOf(historyLine(8_000), 1).median).toBeLessThan(60);
  });

  it('grows with the number of patterns, not with its square', () => {
    const patterns = createPatternModel();
    const ids = Array.from({ length: 20_000 }, (_, index) => `pattern/${index}`);
    for (const id of ids) patterns.opened(0, recordView({ id, kind: 'pattern' }), 5);
    patterns.opened(1, recordView({ pattern: 'pattern/7' }), 5);
    expect(cpuTimeOf(() => ids.forEach((id) => patterns.estimate(100, id)))).toBeLessThan(1_000);
    expect(patterns.estimate(100, 'pattern/7')).toMatchObject({ cases: 1, hours: 100 });
  });
});
