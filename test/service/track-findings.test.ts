import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/remediation/contract.ts';
import { trackFindings, type TrackedChanges } from '../../src/service/track-findings.ts';
import type { TrackedFinding } from '../../src/service/types.ts';

const times = ['2026-01-01T00:00:00.000Z', '2026-01-01T00:05:00.000Z', '2026-01-01T00:10:00.000Z'] as const;

function found(remediator: string, instance: string): Finding {
  return {
    id: `${remediator}/${instance}/kind`,
    remediator,
    instance,
    kind: 'kind',
    summary: 'Something is wrong.',
    risk: 'safe',
    evidence: [{ type: 'log', at: '', text: 'x'.repeat(10_000) }],
    details: { secret: 'of the plan' },
    problem: null,
  };
}

function round(
  known: readonly TrackedFinding[],
  findings: readonly Finding[],
  checked: Readonly<Record<string, readonly string[]>>,
  at: string,
  forgotten: readonly string[] = [],
): TrackedChanges {
  const lookedAt = Object.entries(checked).map(([instance, remediators]) => ({ instance, remediators, ms: 1 }));
  return trackFindings('local', known, { findings, lookedAt }, at, (name) => forgotten.includes(name));
}

describe('a finding', () => {
  const first = round([], [found('memory', 'orders')], { orders: ['memory'] }, times[0]).changed;

  it('begins when it is first found, without what only plans need', () => {
    expect(first).toMatchObject([{ firstSeen: times[0], lastSeen: times[0], goneAt: null, recurrences: 0 }]);
    expect(JSON.stringify(first)).not.toContain('of the plan');
    expect(JSON.stringify(first).length).toBeLessThan(5_000);
  });

  it('keeps its beginning and its acknowledgement while it is found again', () => {
    const acknowledged = { by: 'anna', at: times[0], comment: 'known' };
    const noted = first.map((one) => ({ ...one, acknowledged }));
    const { changed } = round(noted, [found('memory', 'orders')], { orders: ['memory'] }, times[1]);
    expect(changed).toMatchObject([{ firstSeen: times[0], lastSeen: times[1], acknowledged }]);
  });

  it.each([
    ['its remediator has checked its instance', { orders: ['memory'] }, [], 1],
    ['another remediator has', { orders: ['availability'] }, [], 0],
    ['its remediator has checked another instance', { billing: ['memory'] }, [], 0],
    ['nothing was checked', {}, [], 0],
    ['its instance was forgotten', {}, ['orders'], 1],
  ] as const)('is gone or not when %s', (_, checked, forgotten, gone) => {
    const changes = round(first, [], checked, times[1], forgotten);
    expect(changes.gone).toHaveLength(gone);
    expect(changes.changed.map(({ goneAt }) => goneAt)).toEqual(gone === 1 ? [times[1]] : []);
  });

  it('counts how often it returns, and begins again', () => {
    const { changed: gone } = round(first, [], { orders: ['memory'] }, times[1]);
    const { changed, returned } = round(gone, [found('memory', 'orders')], { orders: ['memory'] }, times[2]);
    expect(changed).toMatchObject([{ firstSeen: times[2], goneAt: null, recurrences: 1, acknowledged: null }]);
    expect(returned).toHaveLength(1);
  });
});
