import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ListedEngine, openListedEngine } from '../remediation/listed-engine.ts';
import { type Folder, type Ran, run, temporaryFolder } from './run.ts';

/** Data in a named volume: nothing is left to move. */
const orders = {
  Id: 'a'.repeat(64),
  Name: '/vrooli-postgres-orders',
  Config: { Image: 'postgres:17', Env: ['PGDATA=/var/lib/postgresql/data'] },
  HostConfig: { Binds: ['orders-data:/var/lib/postgresql/data'] },
  State: { Status: 'exited', Running: false },
  Mounts: [
    {
      Type: 'volume',
      Name: 'orders-data',
      Source: '/volumes/orders-data',
      Destination: '/var/lib/postgresql/data',
      RW: true,
    },
  ],
  NetworkSettings: { Networks: {} },
};

let folder: Folder;
let engine: ListedEngine;
beforeEach(async () => {
  folder = temporaryFolder();
  engine = await openListedEngine(folder.path, {}, [orders]);
});
afterEach(async () => {
  engine.close();
  await folder[Symbol.asyncDispose]();
});

function problems(...args: readonly string[]): Promise<Ran> {
  return run(args, { cwd: folder.path, env: { DOCKER_HOST: process.env['DOCKER_HOST'] ?? '' } });
}

describe('--to-named-volume', () => {
  it('finds nothing to do if the data is already in a volume, and checks nothing else', async () => {
    expect(await problems('plan', '--to-named-volume', 'orders')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('Nothing to plan'),
    });
    const { code, stdout } = await problems('remediate', '--to-named-volume', 'orders', '--yes', '--json');
    expect({ code, told: JSON.parse(stdout) }).toEqual({
      code: 0,
      told: { schemaVersion: 1, runs: [], notLookedAt: [], lookedAt: [] },
    });
  });

  it('refuses an instance that does not exist', async () => {
    expect(await problems('remediate', '--to-named-volume', 'orders,sales')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('There is no instance sales.'),
    });
  });
});
