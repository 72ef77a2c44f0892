import { describe, expect, it } from 'vitest';
import { raceErrors, speaksOf } from '../../../src/remediation/remediators/migration-lock/log-patterns.ts';

const prefix = '2025-08-02 10:00:00.000 UTC [31]';

function lines(...texts: readonly string[]) {
  return texts.map((text) => ({ at: '2025-08-02T10:00:00.000000000Z', stream: 'stderr' as const, text }));
}

describe('log lines about a migration race', () => {
  it.each([
    'ERROR:  duplicate key value violates unique constraint "pg_class_relname_nsp_index"',
    'ERROR:  duplicate key value violates unique constraint "pg_type_typname_nsp_index"',
    'ERROR:  relation "customers" already exists',
    'ERROR:  type "mood" already exists',
    'ERROR:  tuple concurrently updated',
    'ERROR:  deadlock detected',
    'ERROR:  canceling statement due to lock timeout',
    'ERROR:  canceling statement due to statement timeout',
    'ERROR:  could not create unique index "customers_email"',
  ])('report %s', (text) => {
    expect(raceErrors(lines(`${prefix} ${text}`))).toMatchObject([{ text: `${prefix} ${text}`, statement: '' }]);
  });

  it.each([
    'ERROR:  duplicate key value violates unique constraint "customers_pkey"',
    "LOG:  statement: select 'deadlock detected'",
    'STATEMENT:  select 1 /* tuple concurrently updated */',
    'NOTICE:  relation "customers" already exists, skipping',
  ])('do not report %s', (text) => {
    expect(raceErrors(lines(`${prefix} ${text}`))).toEqual([]);
  });

  it('include only their complete statement', () => {
    const [first, second] = raceErrors(
      lines(
        `${prefix} ERROR:  deadlock detected`,
        `${prefix} DETAIL:  Process 31 waits for ShareLock on transaction 7; blocked by process 32.`,
        '\tProcess 32 waits for ShareLock on transaction 8; blocked by process 31.',
        `${prefix} HINT:  See server log for query details.`,
        `${prefix} STATEMENT:  alter table t`,
        '\t  add column note text;',
        `${prefix} ERROR:  tuple concurrently updated`,
        `${prefix} LOG:  checkpoint starting: time`,
        `${prefix} STATEMENT:  grant select on t to reader`,
      ),
    );
    expect(first?.statement).toBe('alter table t add column note text;');
    expect(second?.statement).toBe('');
    if (first === undefined) throw new Error('no error');
    expect(speaksOf(first, ['ALTER'])).toBe(false);
    expect(speaksOf(first, ['\nalter table t\n  add column note text;\n'])).toBe(true);
    expect(speaksOf(first, ['alter table u add column note text;'])).toBe(false);
    expect(speaksOf(first, ['', ';'])).toBe(false);
  });
});
