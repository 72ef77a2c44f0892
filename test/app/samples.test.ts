import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createTestHost, type TestContainer } from 'problem-registry/testing';
import { fleet, openRemediation } from '../../src/app/remediation.ts';
import { batchesOf, creationOf } from '../../src/app/samples.ts';
import { openSqliteStore } from '../../src/remediation/store/sqlite/store.ts';
import type { Creation } from '../../src/remediation/store/store.ts';
import { containerOf } from '../../src/testing/test-containers.ts';

const created = '2026-01-05T09:00:00Z';
const state = containerOf({ name: 'x' }).state;

function seen(container: Partial<TestContainer>): Creation {
  return creationOf('orders', containerOf({ name: 'vrooli-postgres-orders', created, ...container }), 3);
}

describe('how a container came to be', () => {
  const never = '0001-01-01T00:00:00Z';
  it.each([
    ['running', { running: true, startedAt: '2026-01-05T09:00:04Z' }, 'started', false],
    ['stopped after a start', { running: false, startedAt: '2026-01-05T09:00:04Z' }, 'started', false],
    ['not started yet', { running: false, startedAt: never, error: '' }, 'waiting', false],
    ['refused for another reason', { running: false, startedAt: never, error: 'no such device' }, 'failed', false],
    [
      'refused for its port',
      {
        running: false,
        startedAt: never,
        error:
          'driver failed programming external connectivity: Bind for 0.0.0.0:5434 failed: port is already allocated',
      },
      'failed',
      true,
    ],
  ] as const)('is told by its state: %s', (_, change, result, conflict) => {
    expect(seen({ state: { ...state, ...change } })).toMatchObject({ result, conflict, instances: 3 });
  });

  it('has a first start only if that came within an hour', () => {
    const startedAt = (at: string) => seen({ state: { ...state, running: true, startedAt: at } }).startedAt;
    expect(startedAt('2026-01-05T09:59:00Z')).toBe('2026-01-05T09:59:00Z');
    expect(startedAt('2026-01-06T09:00:00Z')).toBeNull();
  });
});

describe('batches', () => {
  const at = (minute: number, change: Partial<Creation> = {}): Creation => ({
    instance: `i${minute}`,
    container: `c${minute}`,
    createdAt: new Date(Date.parse(created) + minute * 60_000).toISOString(),
    startedAt: new Date(Date.parse(created) + (minute + 2) * 60_000).toISOString(),
    explicitPort: false,
    conflict: false,
    result: 'started',
    instances: 4,
    ...change,
  });

  it('are creations with at most 15 minutes between them', () => {
    const batches = batchesOf([
      at(0),
      at(5, { explicitPort: true }),
      at(20, { conflict: true, startedAt: null }),
      at(36),
    ]);
    expect(batches.map(({ batch, conflict }) => [batch.size, batch.gapMinutes, batch.startMinutes, conflict])).toEqual([
      [3, 10, 2, true],
      [1, 0, 2, false],
    ]);
    expect(batches[0]?.batch).toMatchObject({ hour: 9, explicitPorts: 1 / 3, instances: 4 });
  });

  it('leave out what has neither started nor failed', () => {
    expect(batchesOf([at(0, { result: 'waiting' })])).toEqual([]);
  });
});

describe('a check of the fleet', () => {
  it('notes what every running instance uses, in the state file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'problems-fleet-'));
    const store = await openSqliteStore(join(folder, 'state.db'));
    const use = { usage: 400, limit: 0, peak: 0, inactiveFile: 90, anonymous: 200, shared: 50, oomKills: 1 };
    const host = createTestHost({
      instances: [{ name: 'orders', sql: () => ({ message: 'the server is starting up' }) }],
      docker: { info: async () => engine },
      probes: {
        memoryUse: async () => ({ ...use, shmSize: 0, shmUsed: 0 }),
        sessionMemory: async () => [1, 2, 3, 4, 5, 6],
      },
    });
    try {
      const remediation = await openRemediation({
        folder,
        store,
        host: host.open,
        now: () => new Date('2026-01-05T10:00:00Z'),
      });
      await fleet(remediation);
      expect(await store.samples('engine').days()).toEqual([
        expect.objectContaining({ instance: 'orders', day: '2026-01-05', memory: 250, killed: true, sessions: 6 }),
      ]);
      expect(await store.samples('engine').creations()).toEqual([
        expect.objectContaining({ instance: 'orders', result: 'started' }),
      ]);
    } finally {
      store.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});

const engine = {
  id: 'engine',
  version: '28.0.0',
  operatingSystem: 'linux',
  securityOptions: [],
  memoryBytes: 8 * 2 ** 30,
  cpus: 2,
  local: true,
};
