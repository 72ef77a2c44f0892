import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Backup } from '../../../src/backups/types.ts';
import { retention } from '../../../src/remediation/requests/backups.ts';
import { backupOf } from '../../backups/backup.ts';

const now = new Date('2026-03-31T12:00:00Z');
const settings = { keepDays: 7, quarantineDays: 30, keepGood: 2 };

describe('retention', () => {
  it('expires backups older than the window, except the two newest good ones and the last from before it', () => {
    const all = [good(1), good(2), unproven(3), good(9), unproven(9.5), good(12), bad(13)];
    expect(going(all)).toEqual(['d9.5', 'd12', 'd13']);
  });

  it('expires nothing if there are fewer than two good backups', () => {
    expect(going([good(1), unproven(30), bad(40)])).toEqual([]);
    expect(going([unproven(30), unproven(40)])).toEqual([]);
  });

  it('expires nothing newer than the second good backup, however old', () => {
    expect(going([good(20), unproven(25), good(30), unproven(35)])).toEqual(['d35']);
  });

  it('keeps quarantined backups for thirty days', () => {
    const aside = (days: number): Backup => ({
      ...bad(60),
      state: 'quarantined',
      quarantine: { at: ago(days), reason: 'x' },
    });
    expect(going([good(1), good(2), aside(29)])).toEqual([]);
    expect(going([good(1), good(2), aside(31)])).toEqual(['d60']);
    // The time of the quarantine is unknown: it may have been today.
    expect(going([good(1), good(2), { ...aside(0), quarantine: { at: '', reason: 'x' } }])).toEqual([]);
  });

  it('keeps two backups with the same name, since the name would be ambiguous', () => {
    const aside: Backup = {
      ...good(60),
      folder: '/b/aside',
      state: 'quarantined',
      quarantine: { at: ago(50), reason: 'x' },
    };
    expect(going([good(1), good(2), good(40), good(60), aside])).toEqual([]);
    expect(going([good(1), good(2), good(40), { ...aside, ref: 'orders/other', name: 'other' }])).toEqual(['other']);
  });

  it('expires nothing during an incident, and says so', () => {
    const all = retention([good(1), good(2), good(90), good(91)], settings, 'pages are damaged', now);
    expect(all.map(({ expires }) => expires)).toEqual([false, false, false, false]);
    expect(all[0]?.why).toBe('nothing is removed during an incident: pages are damaged');
  });

  it('always keeps the two newest good backups, and expires nothing if there are fewer', () => {
    const some = fc.array(
      fc.record({ days: fc.integer({ min: 0, max: 100 }), make: fc.constantFrom(good, bad, unproven) }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(some, (drawn) => {
        const backups = drawn.map(({ days, make }, index) => ({ ...make(days), folder: `/b/${index}` }));
        const decided = retention(backups, settings, undefined, now);
        const sound = decided.filter(({ backup }) => backup.verdict === 'good');
        expect(sound.slice(0, 2).every(({ expires }) => !expires)).toBe(true);
        if (sound.length < 2) expect(decided.some(({ expires }) => expires)).toBe(false);
      }),
    );
  });
});

function going(backups: readonly Backup[]): readonly string[] {
  return retention(backups, settings, undefined, now)
    .filter(({ expires }) => expires)
    .map(({ backup }) => backup.name);
}

function ago(days: number): string {
  return new Date(now.getTime() - days * 86_400_000).toISOString();
}

function unproven(days: number): Backup {
  return backupOf(`d${days}`, { createdAt: ago(days) });
}

function good(days: number): Backup {
  return { ...unproven(days), verdict: 'good', reached: 'L4' };
}

function bad(days: number): Backup {
  return { ...unproven(days), verdict: 'bad' };
}
