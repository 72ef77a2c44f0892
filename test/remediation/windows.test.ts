import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MaintenanceWindow, openWindow } from '../../src/remediation/policy/policy.ts';

const weekend: MaintenanceWindow = { days: ['sat', 'sun'], from: '02:00', to: '04:30' };
/** Begins late on Friday and ends on Saturday. */
const night: MaintenanceWindow = { days: ['fri'], from: '23:00', to: '01:00' };

describe('a maintenance window', () => {
  it.each([
    ['at its first minute', weekend, '2026-11-21T02:00:00Z', 0, true],
    ['on a day that it does not name', weekend, '2026-11-23T02:30:00Z', 0, false],
    ['before it begins', weekend, '2026-11-21T01:59:59Z', 0, false],
    ['when what is to be done ends with it', weekend, '2026-11-21T04:29:00Z', 60, true],
    ['when what is to be done would end after it', weekend, '2026-11-21T04:29:00Z', 61, false],
    ['before midnight', night, '2026-11-20T23:30:00Z', 600, true],
    ['after midnight, as the one of the day before', night, '2026-11-21T00:30:00Z', 600, true],
    ['after midnight of a day on which none began', night, '2026-11-20T00:30:00Z', 0, false],
    ['the whole day where it ends when it begins', { from: '00:00', to: '00:00' }, '2026-11-23T13:00:00Z', 3600, true],
  ] as const)('%s', (_, window, now, seconds, open) => {
    expect(openWindow([window], new Date(now), seconds) !== undefined).toBe(open);
  });

  it('is never open for work that takes longer than the window', () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true }), (now) => {
        expect(openWindow([weekend, night], now, 2.5 * 3600 + 1)).toBeUndefined();
      }),
    );
  });

  it('does not depend on the time zone of the process', () => {
    const { TZ } = process.env;
    process.env['TZ'] = 'Pacific/Auckland';
    try {
      expect(openWindow([weekend], new Date('2026-11-21T02:00:00Z'), 0)).toBe('02:00 to 04:30 UTC');
    } finally {
      if (TZ === undefined) delete process.env['TZ'];
      else process.env['TZ'] = TZ;
    }
  });
});
