import { describe, expect, it } from 'vitest';
import type { Fleet, FleetInstance } from '../../src/app/fleet.ts';
import { recommendLimits, usualNeeds } from '../../src/app/recommend-limits.ts';
import type { SampledDay } from '../../src/remediation/store/store.ts';

const MiB = 2 ** 20;

function instance(name: string, limit: number): FleetInstance {
  return {
    instance: name,
    container: `postgres-${name}`,
    running: true,
    limit: limit * MiB,
    sharedBuffers: 64 * MiB,
    maxConnections: 20,
    worstCase: 150 * MiB,
    usable: limit * 0.8 * MiB,
    share: 0,
    findings: [],
    unknown: [],
  };
}

function fleetOf(budget: number, instances: readonly FleetInstance[], others = 0): Fleet {
  const bytes = { memory: (budget + 2048) * MiB, reserve: 2048 * MiB, budget: budget * MiB };
  return {
    instances,
    others: others === 0 ? [] : [{ container: 'web', limit: others * MiB }],
    host: { ...bytes, promised: 0, left: 0, within: true, unlimited: [] },
  };
}

function days(name: string, count: number, limit: number, memoryOf: (day: number) => number): readonly SampledDay[] {
  return Array.from({ length: count }, (_, day) => ({
    instance: name,
    day: `2026-01-${String(day + 1).padStart(2, '0')}`,
    limit: limit * MiB,
    memory: Math.min(limit, memoryOf(day)) * MiB,
    killed: memoryOf(day) > limit,
    sessions: null,
    maxConnections: 20,
  }));
}

describe('recommended memory limits', () => {
  const instances = [instance('billing', 2048), instance('orders', 512)];
  const seen = [
    ...days('billing', 28, 2048, (day) => 300 + (day % 7) * 10),
    ...days('orders', 28, 512, (day) => (day % 4 === 0 ? 700 : 440)),
  ];

  it('move memory from an instance that never needed it to one that was killed, within the budget', () => {
    const { instances: found, left } = recommendLimits(fleetOf(2560, instances), seen);
    const [billing, orders] = found;
    expect(billing?.recommended).toBeLessThan(1024 * MiB);
    expect(billing?.recommended).toBeGreaterThan(360 * MiB);
    expect(orders?.recommended).toBeGreaterThan(700 * MiB);
    expect(orders?.killedDays).toBe(7);
    expect(orders?.exceeds?.present).toBeGreaterThan(0.15);
    expect(orders?.exceeds?.recommended).toBeLessThan(0.05);
    expect(orders?.reasons.join()).toContain('killed at the limit on 7 of 28 days');
    expect(left).toBeGreaterThanOrEqual(0);
  });

  it('count what other containers may use', () => {
    const small = recommendLimits(fleetOf(2560, instances, 1600), seen);
    const given = small.instances.reduce((sum, { recommended }) => sum + (recommended ?? 0), 0);
    expect(given).toBeLessThanOrEqual(960 * MiB);
    expect(small.instances.flatMap(({ reasons }) => reasons).join()).toContain('the machine has no more for it');
  });

  it('keep the limit of an instance that was seen for less than seven days', () => {
    const { instances: found } = recommendLimits(fleetOf(4096, [...instances, instance('new', 1024)]), [
      ...seen,
      ...days('new', 6, 1024, () => 100),
    ]);
    expect(found[2]).toMatchObject({ recommended: null, needs: null, days: 6 });
    expect(found[2]?.reasons).toEqual([expect.stringContaining('seen on 6 of the 7 days')]);
  });

  it('leave room for shared buffers, whatever was seen', () => {
    const [only] = recommendLimits(
      fleetOf(4096, [instance('idle', 512)]),
      days('idle', 10, 512, () => 5),
    ).instances;
    expect(only?.recommended).toBe(192 * MiB);
  });
});

describe('what a new instance may need', () => {
  it('is what the instances that were seen need', () => {
    expect(usualNeeds(days('orders', 14, 512, () => 200))).toMatch(
      /^99 of 100 days of the instance seen here need at most \d+ MiB$/,
    );
    expect(usualNeeds(days('orders', 3, 512, () => 200))).toBeUndefined();
  });
});
