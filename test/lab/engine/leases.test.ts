import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, type TestContext } from 'vitest';
import { remediate, type Remediation, type RunReport, type Step } from '../../../src/app/remediation.ts';
import type { Leases } from '../../../src/remediation/store/store.ts';
import { createRun, labRuns } from '../support.ts';
import { openAsked } from './asked.ts';

const lease: Step = { action: 'port.lease', params: { instance: 'orders', port: 5440, ttlMs: 60_000 } };
const release: Step = { action: 'port.release', params: { instance: 'orders', port: 5433 } };

describe.skipIf(!(await labRuns()))('the undo of a lease', { concurrent: true }, () => {
  it.for([
    ['taken', lease],
    ['given back', release],
  ] as const)('%s restores no lease that has expired meanwhile', async ([, step], test) => {
    const { report, held } = await rolledBack(test, [step], {
      before: async (leases) => leases.take({ instance: 'orders', ports: [5433], ttlMs: 1_500 }),
      meanwhile: async () => sleep(1_600),
    });
    expect(report).toMatchObject({ outcome: 'rolled-back' });
    expect(held).toEqual([]);
  });

  it.for([
    ['taken', [lease]],
    ['given back', [release]],
  ] as const)('%s keeps the lease that another instance has taken meanwhile', async ([, steps], test) => {
    const { report, held } = await rolledBack(test, steps, {
      before: async (leases) => leases.take({ instance: 'orders', ports: [5433], ttlMs: 60_000 }),
      meanwhile: async (leases) => leases.take({ instance: 'billing', ports: [5433], ttlMs: 60_000 }),
    });
    expect(report).toMatchObject({ outcome: 'rolled-back' });
    expect(held).toEqual([[5433, 'billing', 'reserved']]);
  });

  it('restores a bound lease even if its own lease has expired meanwhile', async (test) => {
    const short: Step = { action: 'port.lease', params: { instance: 'orders', port: 5440, ttlMs: 1_500 } };
    const { report, held } = await rolledBack(test, [short], {
      async before(leases) {
        await leases.take({ instance: 'orders', ports: [5433], ttlMs: 60_000 });
        await leases.bind(5433, 'orders');
      },
      meanwhile: async () => sleep(1_600),
    });
    expect(report).toMatchObject({ outcome: 'rolled-back' });
    expect(held).toEqual([[5433, 'orders', 'bound']]);
  });

  it('keeps a new lease that the same instance has taken meanwhile', async (test) => {
    const { report, held } = await rolledBack(test, [lease], {
      before: async () => undefined,
      meanwhile: async (leases) => leases.take({ instance: 'orders', ports: [5450], ttlMs: 60_000 }),
    });
    expect(report).toMatchObject({ outcome: 'rolled-back' });
    expect(held).toEqual([[5450, 'orders', 'reserved']]);
  });
});

describe.skipIf(!(await labRuns()))('a lease that a run binds at its end', { concurrent: true }, () => {
  it.for([
    [
      'is bound although it expired first and another request removed it',
      5441,
      [
        [5440, 'orders', 'bound'],
        [5441, 'billing', 'reserved'],
      ],
      'done',
    ],
    ['stays with another instance that has taken the port meanwhile', 5440, [[5440, 'billing', 'reserved']], 'failed'],
  ] as const)('%s', async ([, port, held, state], test) => {
    const run = await createRun(test);
    const short: Step = { action: 'port.lease', params: { instance: 'orders', port: 5440, ttlMs: 4_000 } };
    const bind: Step = { action: 'port.bind', params: { instance: 'orders', port: 5440 } };
    const remediation = await openAsked(
      run,
      { instance: 'orders', steps: [short], cleanup: [bind], verified: true },
      {
        async atPoint(name) {
          if (name !== 'phase cleaning begins') return;
          await sleep(4_100);
          await (await leasesOf(remediation)).take({ instance: 'billing', ports: [port], ttlMs: 60_000 });
        },
      },
    );
    const { runs } = await remediate(remediation, { yes: true });
    expect(runs[0]).toMatchObject({ outcome: 'fixed', steps: [{ state: 'done' }, { action: 'port.bind', state }] });
    expect(await heldIn(remediation)).toEqual(held);
    remediation.close();
  });
});

async function leasesOf({ session: { reader, store } }: Remediation): Promise<Leases> {
  return store.leases((await reader.docker.info()).id);
}

async function heldIn(remediation: Remediation): Promise<readonly unknown[]> {
  const leases = await (await leasesOf(remediation)).list();
  return leases.map(({ port, instance, state }) => [port, instance, state]);
}

/** A run of the steps that is not verified, with something happening before it and between its steps and its undo. */
async function rolledBack(
  test: TestContext,
  steps: readonly Step[],
  events: { before(leases: Leases): Promise<unknown>; meanwhile(leases: Leases): Promise<unknown> },
): Promise<{ readonly report: RunReport | undefined; readonly held: readonly unknown[] }> {
  const run = await createRun(test);
  const remediation = await openAsked(
    run,
    { instance: 'orders', steps, verified: false },
    {
      async atPoint(name) {
        if (name === 'phase verifying begins') await events.meanwhile(await leasesOf(remediation));
      },
    },
  );
  await events.before(await leasesOf(remediation));
  const { runs } = await remediate(remediation, { yes: true });
  const held = await heldIn(remediation);
  remediation.close();
  return { report: runs[0], held };
}
