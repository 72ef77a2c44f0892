import { describe, expect, it } from 'vitest';
import type { Backup } from '../../src/backups/types.ts';
import { ageText, backupsTable, checksText, retentionTable, sizeText } from '../../src/reporters/text/backups.ts';
import { plain } from '../../src/reporters/escape-terminal.ts';
import { plainTable } from '../../src/reporters/table.ts';

const now = new Date('2026-03-02T12:00:00Z');
const check = { at: '2026-03-01T08:30:00Z', says: [], ms: 1 } as const;
const backup: Backup = {
  ref: 'orders/one',
  instance: 'orders',
  name: 'one',
  folder: '/backups/orders/one',
  state: 'complete',
  createdAt: '2026-03-01T00:00:00Z',
  bytes: 3_500_000,
  files: 2,
  parts: [
    { path: 'base', kind: 'base-backup', database: null, bytes: 3_000_000 },
    { path: 'full.dump', kind: 'custom', database: 'orders', bytes: 500_000 },
  ],
  postgresVersion: '17.5',
  verification: {
    schemaVersion: 1,
    checks: [{ ...check, level: 'L4', result: 'passed' }],
    files: [],
    filesAt: '',
    filesBy: 'completion',
  },
  verdict: 'good',
  reached: 'L4',
  hasFingerprints: true,
  quarantine: null,
  notes: [],
};

describe('the text report of backups', () => {
  it('lists them with age, size, and the highest level that passed with its date', () => {
    const bad: Backup = {
      ...backup,
      ref: 'orders/two',
      verdict: 'bad',
      reached: null,
      verification: {
        schemaVersion: 1,
        checks: [{ ...check, level: 'L2', result: 'failed', cause: 'truncated' }],
        files: [],
        filesAt: '',
        filesBy: 'completion',
      },
    };
    const unasked: Backup = {
      ...backup,
      ref: 'orders/three',
      verification: null,
      verdict: 'unproven',
      reached: null,
      parts: [],
    };
    const aside: Backup = {
      ...bad,
      ref: 'orders/four',
      state: 'quarantined',
      quarantine: { at: '', reason: 'cut\u001b[2J off' },
    };
    expect(plainTable(backupsTable([backup, bad, unasked, aside], now))).toBe(
      `BACKUP        KIND                  AGE     SIZE  LEVEL              VERIFIED          STATE
orders/one    base-backup, custom  36 h  3.3 MiB  L4                 2026-03-01 08:30  complete
orders/two    base-backup, custom  36 h  3.3 MiB  bad: L2 truncated  2026-03-01 08:30  complete
orders/three  nothing              36 h  3.3 MiB  -                  -                 complete
orders/four   base-backup, custom  36 h  3.3 MiB  bad: L2 truncated  2026-03-01 08:30  quarantined: cut\\u{1b}[2J off
`,
    );
  });

  it('shows the result of each level, and the decision of retention', () => {
    const checks = [
      { ...check, level: 'L0', result: 'passed', says: ['2 files were read'] },
      { ...check, level: 'L2', result: 'failed', cause: 'truncated', says: ['end of file'] },
    ] as const;
    expect(checksText({ ...backup, verdict: 'bad' }, checks, plain)).toBe(
      'orders/one: bad\n  L0 passed\n     2 files were read\n  L2 failed: truncated\n     end of file\n',
    );
    const table = retentionTable([{ backup, expires: true, why: 'it is 36 days old' }], now);
    expect(plainTable(table).split('\n')[1]).toBe('orders/one  36 h  3.3 MiB  remove  it is 36 days old');
  });

  it('has readable ages and sizes', () => {
    expect(
      ['2026-03-02T11:58:30Z', '2026-03-02T09:00:00Z', '2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z'].map((at) =>
        ageText(at, now),
      ),
    ).toEqual(['1 min', '3 h', '60 d', '0 min']);
    expect([0, 1_023, 1_024, 20_480, 5e9, 3e15].map(sizeText)).toEqual([
      '0 B',
      '1023 B',
      '1.0 KiB',
      '20 KiB',
      '4.7 GiB',
      '2728 TiB',
    ]);
  });
});
