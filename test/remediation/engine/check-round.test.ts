import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { detect, openRemediation, type Remediation, type Remediator } from '../../../src/app/remediation.ts';
import { runChecks } from '../../../src/remediation/engine/check-round.ts';
import { createTestHost, type TestContainer } from '../../../src/testing/index.ts';
import { compareBy } from '../../../src/util/compare.ts';
import { findingId } from '../../../src/remediation/contract.ts';

const opened: Remediation[] = [];
afterEach(() => opened.splice(0).forEach((one) => one.close()));

const nothing = { findings: [], notLookedAt: [] };

/** Checks each instance by itself. */
function perInstance(name: string, detectOne: (instance: string) => Promise<typeof nothing>): Remediator {
  return {
    name,
    description: 'A check.',
    details: z.json(),
    expected: z.json(),
    perInstance: true,
    async detect(host) {
      for (const { name: instance } of await host.instances()) await detectOne(instance);
      return nothing;
    },
    plan: async () => ({ type: 'refusal', reason: 'no', advice: 'no' }),
    verify: async () => ({ result: 'verified', checks: [] }),
  };
}

async function open(
  remediators: readonly Remediator[],
  names: readonly string[] = ['billing', 'orders'],
  containers: readonly TestContainer[] = [],
): Promise<Remediation> {
  const { open: host } = createTestHost({ instances: names.map((name) => ({ name })), containers });
  const remediation = await openRemediation({ folder: '/project', host, remediators, onlyLooking: true });
  opened.push(remediation);
  return remediation;
}

describe('a round of checks', () => {
  it('tells for each instance which checks ran to their end', async () => {
    const failing = perInstance('failing', async (instance) => {
      if (instance === 'orders') throw new Error('no such file');
      return nothing;
    });
    const remediation = await open([perInstance('working', async () => nothing), failing]);
    const { lookedAt, notLookedAt } = await detect(remediation);
    expect(lookedAt).toMatchObject([
      { instance: 'billing', remediators: ['failing', 'working'] },
      { instance: 'orders', remediators: ['working'] },
    ]);
    expect(lookedAt.every(({ ms }) => ms >= 0)).toBe(true);
    expect(notLookedAt).toEqual([{ remediator: 'failing', instance: 'orders', reason: 'no such file' }]);
  });

  it('gives up a check that hangs at its deadline, and finishes the others meanwhile', async () => {
    const done: string[] = [];
    const hanging = perInstance('hanging', async (instance) => {
      if (instance === 'billing') await new Promise(() => undefined);
      done.push(instance);
      return nothing;
    });
    const { session } = await open([hanging], ['archive', 'billing', 'orders']);
    const { notLookedAt } = await runChecks(session, [hanging], 200);
    expect(done).toEqual(['archive', 'orders']);
    expect(notLookedAt).toEqual([
      { remediator: 'hanging', instance: 'billing', reason: 'The check did not end within 1 s.' },
    ]);
  });

  it('checks instances at the same time', async () => {
    let running = 0;
    let most = 0;
    const slow = perInstance('slow', async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 50));
      running -= 1;
      return nothing;
    });
    await detect(await open([slow], ['a', 'b', 'c', 'd']));
    expect(most).toBeGreaterThan(1);
  });

  it('shows a check one instance, and all of them if it asks', async () => {
    const seen: (readonly string[])[] = [];
    const curious: Remediator = {
      ...perInstance('curious', async () => nothing),
      async detect(host) {
        const [mine, all] = [await host.instances(), await host.instances({ all: true })];
        seen.push([...mine, ...all].map(({ name }) => name));
        return nothing;
      },
    };
    await detect(await open([curious]));
    expect(seen.toSorted(compareBy((names) => names.join()))).toEqual([
      ['billing', 'billing', 'orders'],
      ['orders', 'billing', 'orders'],
    ]);
  });

  it('drops a finding that only says that an instance is down if another check says why', async () => {
    const finding = (remediator: string, instance: string) => ({
      id: findingId(remediator, instance, 'x'),
      remediator,
      instance,
      kind: 'x',
      summary: 'It is down.',
      risk: 'safe' as const,
      evidence: [],
      details: null,
      problem: null,
    });
    const why: Remediator = {
      ...perInstance('why', async () => nothing),
      detect: async () => ({ findings: [{ ...finding('why', 'orders'), down: true }], notLookedAt: [] }),
    };
    const that: Remediator = {
      ...perInstance('that', async () => nothing),
      findsSymptoms: true,
      detect: async () => ({ findings: [finding('that', 'orders'), finding('that', 'billing')], notLookedAt: [] }),
    };
    const { perInstance: _, ...whole } = why;
    const { perInstance: __, ...wholeThat } = that;
    const { findings } = await detect(await open([whole, wholeThat]));
    expect(findings.map(({ id }) => id)).toEqual(['that/billing/x', 'why/orders/x']);
  });

  it('names running containers that seem to be PostgreSQL servers but are no instances', async () => {
    const remediation = await open(
      [perInstance('working', async () => nothing)],
      [],
      [
        { name: 'shop-db-1' },
        { name: 'web', env: {} },
        { name: 'vrooli-postgres-orders.pgops-old-0123456789ab' },
        { name: 'drill', labels: { 'problems.helper': '1' } },
      ],
    );
    expect(await detect(remediation)).toMatchObject({ lookedAt: [], unmanaged: ['shop-db-1'] });
  });
});

describe('an instance that was seen before', () => {
  it('is expected from then on, until it is forgotten', async () => {
    const { open: host } = createTestHost({ instances: [{ name: 'orders' }] });
    const remediation = await openRemediation({ folder: '/project', host, remediators: [], onlyLooking: true });
    opened.push(remediation);
    const { session } = remediation;
    await session.seenInstances.see(['orders', 'archive'], '2026-05-01T10:00:00Z');
    expect(await session.reader.expected()).toEqual([
      { name: 'archive', because: 'it was there at 2026-05-01T10:00:00Z' },
      { name: 'orders', because: 'it was there at 2026-05-01T10:00:00Z' },
    ]);
    expect(await session.seenInstances.forget('archive', '2026-05-02T10:00:00Z')).toBe(true);
    expect((await session.reader.expected()).map(({ name }) => name)).toEqual(['orders']);
  });
});
