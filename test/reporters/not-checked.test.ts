import { describe, expect, it } from 'vitest';
import { notLookedAtText } from '../../src/reporters/text/remediation.ts';
import type { Skipped } from '../../src/app/remediation.ts';

const refused = '28P01 password authentication failed for user "app"';

function skipped(remediator: string, reason: string, instance = 'orders'): Skipped {
  return { remediator, instance, reason };
}

function linesOf(...all: readonly Skipped[]): readonly string[] {
  return notLookedAtText(all, (_, text) => text)
    .split('\n')
    .slice(0, -1);
}

describe('checks that could not run', () => {
  it('are one line for each instance if its login was refused, whichever database they asked', () => {
    expect(
      linesOf(
        skipped('memory', refused),
        skipped('migration-lock', `shop of orders: ${refused}`),
        skipped('server-limits', `orders: ${refused}`),
        skipped('memory', refused, 'other'),
      ),
    ).toEqual([
      `not checked: orders by memory, migration-lock, server-limits: ${refused}`,
      `not checked: other by memory: ${refused}`,
    ]);
  });

  it('keep what one of them says about a refused login, and apart what differs', () => {
    expect(
      linesOf(
        skipped('memory', `shop of orders: ${refused}`),
        skipped('backup-repair', 'df did not tell'),
        skipped('server-limits', 'df did not tell'),
      ),
    ).toEqual([
      `not checked: orders by memory: shop of orders: ${refused}`,
      'not checked: orders by backup-repair, server-limits: df did not tell',
    ]);
  });
});
