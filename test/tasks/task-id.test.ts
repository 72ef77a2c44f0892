import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { taskId } from '../../src/tasks/generate.ts';

describe('the id of a task', () => {
  it('is readable for an ordinary problem id', () => {
    expect(taskId('resolution', 'postgres/port-allocation-conflicts')).toBe(
      'resolution-postgres--port-allocation-conflicts',
    );
    expect(taskId('prevention', 'a/b', 'design-changes')).toBe('prevention-a--b--design-changes');
  });

  it.each(['Postgres/Pool', 'postgres/pool.1', 'postgres/größe', '数据库/端口', `postgres/${'long-'.repeat(30)}name`])(
    'ends with a hash if characters or length are not allowed: %s',
    (problem) => expect(taskId('resolution', problem)).toMatch(/^resolution-(?:[a-z0-9-]{1,80}-)?[0-9a-f]{8}$/),
  );

  it('differs for different problems', () => {
    const part = fc.stringMatching(/^[a-cA-C._ä-]{1,4}$/);
    const problem = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(problem, problem, (a, b) => {
        expect(taskId('resolution', a) === taskId('resolution', b)).toBe(a === b);
      }),
    );
  });
});
