import { describe, expect, it } from 'vitest';
import type { Backup, BackupState, BackupVerdict } from '../../src/backups/types.ts';
import { judgeBackups } from '../../src/backups/verdict.ts';
import { backupOf } from './backup.ts';

const now = new Date('2026-03-02T12:00:00Z');

/** A backup of so many hours ago. */
function backup(hours: number, verdict: BackupVerdict, state: BackupState = 'complete'): Backup {
  const createdAt = new Date(now.getTime() - hours * 3_600_000).toISOString();
  return backupOf(`${hours}h`, { state, createdAt, verdict, reached: verdict === 'good' ? 'L4' : null });
}

describe('the backups of an instance are', () => {
  it.each([
    ['none, if there is none', [], 'none', 'no backup was found'],
    ['none, if one is only being taken', [backup(1, 'unproven', 'running')], 'none', 'no backup is complete'],
    ['none, if all are quarantined', [backup(1, 'bad', 'quarantined')], 'none', 'no backup is complete'],
    ['good, if a recent one was restored', [backup(26, 'good')], 'good', 'orders/26h is 26 h old and was restored'],
    ['good, if a newer one is not proven yet', [backup(25, 'good'), backup(1, 'unproven')], 'good', 'orders/25h'],
    ['too old after 26 hours', [backup(27, 'good')], 'too-old', 'orders/27h, is 27 h old; at most 26 h are allowed'],
    ['too old, proven or not', [backup(27, 'unproven'), backup(90, 'good')], 'too-old', 'orders/27h'],
    ['not proven, if none was restored', [backup(1, 'unproven')], 'not-proven', 'orders/1h, has never been restored'],
    [
      'not proven, if the newest good one is too old',
      [backup(90, 'good'), backup(1, 'unproven')],
      'not-proven',
      'the newest good one, orders/90h, is 90 h old',
    ],
    ['broken, if one fails a check', [backup(1, 'good'), backup(30, 'bad')], 'broken', 'orders/30h cannot be restored'],
  ] as const)('%s', (_title, backups, verdict, reason) => {
    expect(judgeBackups('orders', backups, { now })).toMatchObject({
      instance: 'orders',
      verdict,
      reason: expect.stringContaining(reason),
      rpoHours: 26,
    });
  });

  it('judged by the age that the config allows', () => {
    const backups = [backup(30, 'good')];
    expect(judgeBackups('orders', backups, { now, rpoHours: 48 }).verdict).toBe('good');
    expect(judgeBackups('orders', backups, { now, rpoHours: 24 })).toMatchObject({
      verdict: 'too-old',
      newestGood: 'orders/30h',
      ageHours: 30,
      rpoHours: 24,
    });
  });
});
