import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Inspected, type ListedEngine, openListedEngine } from '../remediation/listed-engine.ts';
import { verdictText } from '../../src/reporters/text/remediation.ts';
import { type Folder, type Ran, run, temporaryFolder } from './run.ts';

let folder: Folder;
let engine: ListedEngine | undefined;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  engine?.close();
  engine = undefined;
  await folder[Symbol.asyncDispose]();
});

async function problems(containers: readonly Inspected[], ...args: readonly string[]): Promise<Ran> {
  engine ??= await openListedEngine(folder.path, {}, containers);
  return run(args, { cwd: folder.path });
}

function container(name: string, state: object, env: readonly string[] = ['PG_MAJOR=17']): Inspected {
  return {
    Id: name.padEnd(64, '0'),
    Name: `/${name}`,
    Config: { Image: 'postgres:17', Env: env },
    HostConfig: {},
    State: state,
    Mounts: [],
    NetworkSettings: { Networks: {} },
  };
}

const running = { Status: 'running', Running: true };
const stopped = { Status: 'exited', Running: false, ExitCode: 137 };

describe('problems without an instance', () => {
  it.each(['detect', 'plan', 'remediate'])('%s says so and exits with 1', async (command) => {
    const { code, stdout, stderr } = await problems([], command);
    expect({ code, stdout, stderr }).toMatchObject({ code: 1, stdout: '' });
    expect(stderr).toContain('There is no PostgreSQL instance');
    expect(stderr).not.toContain('These look like');
  });

  it('names the containers that look like PostgreSQL, and how to include them', async () => {
    const others = [container('shop-db-1', running), container('a.b', running), container('web', running, [])];
    const { code, stderr } = await problems(others, 'detect');
    expect(code).toBe(1);
    expect(stderr).toContain('These look like PostgreSQL: a.b, shop-db-1.\n');
    expect(stderr).toContain("    containers: '^(a\\.b|shop-db-1)$'\n");
    const { code: also, stdout } = await problems(others, 'detect', '--json');
    expect(also).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ lookedAt: [], unmanaged: ['a.b', 'shop-db-1'] });
  });

  it('says it too if the pattern of the config matches no container', async () => {
    writeFileSync(join(folder.path, 'problems.config.json'), '{"remediation":{"containers":"^db-(.+)$"}}');
    const { code, stderr } = await problems([container('shop-db-1', running)], 'detect');
    expect(code).toBe(1);
    expect(stderr).toContain('These look like PostgreSQL: shop-db-1.');
  });
});

describe('problems detect', () => {
  it('finds an instance that is down, and ends in a verdict', async () => {
    const orders = container('vrooli-postgres-orders', stopped);
    const { code, stdout, stderr } = await problems([orders], 'detect', '--remediator', 'availability');
    expect(code).toBe(1);
    expect(stdout).toContain('availability/orders/failed');
    expect(stderr).toBe('0 of 1 instance passed the requested checks, 1 finding.\n');
  });

  it('finds an instance that the config expects and that has no container', async () => {
    writeFileSync(join(folder.path, 'problems.config.json'), '{"remediation":{"expect":["orders"]}}');
    const { code, stdout } = await problems([], 'detect', '--remediator', 'availability');
    expect(code).toBe(1);
    expect(stdout).toContain('orders is gone: no container has its name, but the config expects it.');
    const one = await problems([], 'detect', '--instance', 'orders', '--remediator', 'availability');
    expect(one.code).toBe(1);
  });
});

describe('problems forget', () => {
  it('says what still expects an instance, and refuses one that nothing expects', async () => {
    writeFileSync(join(folder.path, 'problems.config.json'), '{"remediation":{"expect":["orders"]}}');
    expect(await problems([], 'forget', 'orders')).toMatchObject({
      code: 1,
      stdout: 'orders is still expected: the config expects it.\n',
    });
    expect(await problems([], 'forget', 'ordrs')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean orders?'),
    });
  });

  it('forgets an instance that was there once', async () => {
    const orders = container('vrooli-postgres-orders', stopped);
    await problems([orders], 'remediate', '--remediator', 'availability', '--no-record');
    engine?.close();
    engine = undefined;
    expect((await problems([], 'detect', '--remediator', 'availability')).stdout).toContain('orders is gone');
    expect(await problems([], 'forget', 'orders')).toMatchObject({
      code: 0,
      stdout: 'orders is no longer expected.\n',
    });
    expect((await problems([], 'detect', '--remediator', 'availability')).stdout).toBe('');
  });
});

describe('the verdict', () => {
  const lookedAt = ['a', 'b', 'c', 'd'].map((instance) => ({ instance, remediators: ['memory'], ms: 1 }));
  const finding = { instance: 'a' } as const;
  const base = { findings: [], notLookedAt: [], lookedAt, interruptedRuns: [], liveRuns: [] };

  it.each<readonly [string, object, string]>([
    ['everything was checked', {}, '4 of 4 instances healthy, no findings'],
    [
      'one has a finding and one could not be checked',
      { findings: [finding], notLookedAt: [{ remediator: 'memory', instance: 'b', reason: 'x' }] },
      '2 of 4 instances healthy, 1 finding, 1 not fully checked',
    ],
    [
      'a check failed for all',
      { notLookedAt: [{ remediator: 'memory', instance: null, reason: 'x' }] },
      '0 of 4 instances healthy, no findings, 4 not fully checked',
    ],
    [
      'a check can never run on one',
      { notLookedAt: [{ remediator: 'memory', instance: 'b', reason: 'x', lasting: true }] },
      '4 of 4 instances healthy, no findings',
    ],
    ['one is gone', { findings: [{ instance: 'e' }] }, '4 of 5 instances healthy, 1 finding'],
    [
      'a run was interrupted',
      { interruptedRuns: [finding] },
      '3 of 4 instances healthy, no findings, 1 interrupted run',
    ],
    [
      'another process repairs one',
      { liveRuns: [{ ...finding, pid: 7 }] },
      '3 of 4 instances healthy, no findings, 1 run of other processes',
    ],
  ])('is right if %s', (_, changed, text) => {
    expect(verdictText({ ...base, ...changed }, { every: true })).toBe(text);
  });

  it('calls nothing healthy if only some checks were asked for', () => {
    expect(verdictText(base, { every: false })).not.toContain('healthy');
  });
});
