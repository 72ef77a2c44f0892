import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fleet } from '../../../src/app/fleet.ts';
import { openHost } from '../../../src/app/open-host.ts';
import { preflight } from '../../../src/app/preflight.ts';
import { openRemediation, type Remediation } from '../../../src/app/remediation.ts';
import { readTuningFacts } from '../../../src/app/tuning-facts.ts';
import type { Instance } from '../../../src/host/instance.ts';
import { containerUpdateMemory } from '../../../src/remediation/actions/container-update.ts';
import { ceilingOf } from '../../../src/remediation/remediators/connection-pool/plan-max-connections.ts';
import { hostConditions } from '../../../src/remediation/remediators/memory/diagnose.ts';
import { hostRefusal } from '../../../src/remediation/remediators/memory/refusals.ts';
import { memorySettings } from '../../../src/remediation/remediators/memory/types.ts';
import { budgetOf, machineMemory, memoryFor, promisableTo } from '../../../src/remediation/shared/memory.ts';
import { type ListedEngine, openListedEngine } from '../listed-engine.ts';

const GiB = 2 ** 30;

interface Resident {
  readonly name: string;
  readonly memory: number;
  readonly running: boolean;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A machine of 20 GiB, of which 17 may be promised. Its engine answers questions about containers, and no others. */
const orders: Resident = { name: 'vrooli-postgres-orders', memory: 2 * GiB, running: true };

const stopped: Resident = { name: 'vrooli-postgres-stopped', memory: 4 * GiB, running: false };

const web: Resident = { name: 'web', memory: GiB, running: true };

const notCounted: readonly Resident[] = [
  { name: 'web-old', memory: 8 * GiB, running: false },
  { name: 'probe', memory: 8 * GiB, running: true, labels: { 'problems.helper': '1' } },
  { name: 'vrooli-postgres-orders.pgops-old-1', memory: 8 * GiB, running: false },
];

let folder = '';

let engine: ListedEngine | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'problems-budget-'));
});

afterEach(async () => {
  engine?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('the memory that a machine can promise', () => {
  it('is the same number everywhere, and includes a stopped instance', async () => {
    // 17 - 2 - 4 - 1
    const left = 10 * GiB;
    const remediation = await machineOf([orders, stopped, web, ...notCounted]);
    const { session } = remediation;
    const instance = await instanceNamed(remediation, 'orders');
    expect(budgetOf(await machineMemory(session.reader)).left).toBe(left);
    expect((await fleet(remediation)).host).toMatchObject({ promised: 7 * GiB, left });
    expect(await preflight(remediation, { memory: left })).toMatchObject([{ ok: true }]);
    expect(await preflight(remediation, { memory: left + 1 })).toMatchObject([{ ok: false }]);

    // In addition to its own limit, which the higher one replaces.
    const own = left + 2 * GiB;
    expect(await promisableTo(instance.container, session.reader)).toBe(own);
    expect(await preflight(remediation, { memory: own, instance: 'orders' })).toMatchObject([{ ok: true }]);
    expect(await preflight(remediation, { memory: own + 1, instance: 'orders' })).toMatchObject([{ ok: false }]);
    const raiseTo = (memory: number): Promise<unknown> =>
      containerUpdateMemory.prepare({ container: instance.container.id, memory, memorySwap: memory }, session.reader);
    expect(await raiseTo(own)).toMatchObject({ memory: 2 * GiB });
    await expect(raiseTo(own + 2 ** 20)).rejects.toThrow(/can be at most 12288 MiB/);
    remediation.close();
  });

  it('is the same if the config selects only some instances', async () => {
    const remediation = await machineOf([orders, stopped, web], ['orders']);
    const { container } = await instanceNamed(remediation, 'orders');
    expect(await promisableTo(container, remediation.session.reader)).toBe(12 * GiB);
    remediation.close();
  });

  it('is overcommitted by the same sum that fleet shows', async () => {
    const large = { ...stopped, memory: 15 * GiB };
    const remediation = await machineOf([orders, large, web]);
    const { reader } = remediation.session;
    expect((await fleet(remediation)).host).toMatchObject({ promised: 18 * GiB, within: false });
    const found = await hostConditions(await reader.instances(), { cpus: 2 }, memorySettings(reader), reader);
    expect(found).toMatchObject([
      {
        kind: 'host-overcommitted',
        summary: expect.stringContaining('add up to 18 GiB, but the budget of the machine is 17 GiB'),
      },
    ]);
    const instance = await instanceNamed(remediation, 'orders');
    expect(await hostRefusal(instance, 'host-overcommitted', reader)).toMatchObject({
      reason: expect.stringContaining('Containers may use 18 GiB in total'),
    });
    remediation.close();
  });

  it('has one share for an instance without a limit, in every command', async () => {
    const free = { ...orders, memory: 0 };
    const remediation = await machineOf([free, stopped, web, ...notCounted]);
    const { reader } = remediation.session;
    const instance = await instanceNamed(remediation, 'orders');
    const share = 12 * GiB;
    expect(await memoryFor(instance.container, reader)).toEqual({ bytes: share, is: 'share' });
    expect((await ceilingOf(instance, 2, reader)).memory).toBe(share);
    const wishes = { profile: 'web', disk: 'ssd', connections: undefined } as const;
    expect((await readTuningFacts(reader, instance, wishes)).facts).toMatchObject({ memory: share, memoryIs: 'share' });
    expect(await hostRefusal(instance, 'no-limit', reader)).toMatchObject({
      advice: expect.stringContaining(`--memory ${share} `),
    });
    remediation.close();
  });

  it('belongs entirely to an instance that is alone', async () => {
    const remediation = await machineOf([{ ...orders, memory: 0 }, ...notCounted]);
    const instance = await instanceNamed(remediation, 'orders');
    expect((await ceilingOf(instance, 2, remediation.session.reader)).memory).toBe(20 * GiB);
    remediation.close();
  });
});

async function machineOf(residents: readonly Resident[], only?: readonly string[]): Promise<Remediation> {
  const inspects = residents.map(({ name, memory, running, labels = {} }, index) => ({
    Id: String(index).repeat(64),
    Name: `/${name}`,
    Config: { Labels: labels, Env: [] },
    HostConfig: { Memory: memory, MemorySwap: memory },
    State: { Running: running, Status: running ? 'running' : 'exited' },
  }));
  engine = await openListedEngine(folder, { MemTotal: 20 * GiB }, inspects);
  const host = openHost({ roots: [folder], ...(only === undefined ? {} : { only }) });
  return openRemediation({ folder, host });
}

async function instanceNamed({ session }: Remediation, name: string): Promise<Instance> {
  const found = await session.reader.instance(name);
  if (found === undefined) throw new Error(`no instance ${name}`);
  return found;
}
