import { describe, expect, it } from 'vitest';
import { planBackup } from '../../../src/remediation/requests/backups.ts';
import { createTestHost } from '../../../src/testing/index.ts';

const server = { each: 64, source: 'default', transactions: 100, databases: ['app', 'blog'] };

/** A backup of a server whose database `blog` has so many tables and sequences. */
async function planned(tables: number, changes: Partial<typeof server> = {}) {
  const { reader } = createTestHost({
    instances: [
      {
        name: 'orders',
        sql: (statement, { database }) => {
          if (statement.includes('max_locks_per_transaction'))
            return [{ state: JSON.stringify({ ...server, ...changes }) }];
          return statement.includes('AS tables') ? [{ tables: database === 'blog' ? String(tables) : '3' }] : undefined;
        },
      },
    ],
  });
  return (await planBackup({ instance: 'orders', backup: 'first', drill: false }, reader)).plan;
}

describe('a backup of a database with more tables than the server has room for locks', () => {
  it('makes room first, with a restart', async () => {
    expect(await planned(20_000)).toMatchObject({
      risk: 'restart',
      steps: [
        { action: 'container.stop' },
        { action: 'setting.alter-stopped', params: { settings: { max_locks_per_transaction: '256' } } },
        { action: 'container.start' },
        { action: 'backup.take' },
      ],
    });
  });

  it('is taken as it is if there is room', async () => {
    expect(await planned(5_000)).toMatchObject({ risk: 'safe', steps: [{ action: 'backup.take' }] });
  });

  it.for([
    ['the command line sets it', 20_000, { source: 'command line' }, /max_locks_per_transaction=256 in the command/],
    ['it needs more than a setting gives', 200_000, {}, /pg_dump -n/],
  ] as const)('is left to someone if %s', async ([, tables, changes, advice]) => {
    expect(await planned(tables, changes)).toMatchObject({ type: 'refusal', advice: expect.stringMatching(advice) });
  });
});
