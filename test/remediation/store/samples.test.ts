import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../../src/remediation/store/sqlite/store.ts';
import type { Creation, Reading, Store } from '../../../src/remediation/store/store.ts';

let folder = '';
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'problems-samples-'));
  store = await openSqliteStore(join(folder, 'state.db'));
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true, force: true });
});

const reading: Reading = {
  instance: 'orders',
  container: 'c1',
  startedAt: '2026-01-01T00:00:00Z',
  limit: 512,
  memory: 100,
  oomKills: 0,
  sessions: null,
  maxConnections: 100,
};

const creation: Creation = {
  instance: 'orders',
  container: 'c1',
  createdAt: '2026-01-01T00:00:00Z',
  startedAt: null,
  explicitPort: true,
  conflict: false,
  result: 'waiting',
  instances: 2,
};

function note(at: string, readings: readonly Partial<Reading>[], creations: readonly Partial<Creation>[] = []) {
  return store.samples('engine').note({
    at,
    readings: readings.map((one) => ({ ...reading, ...one })),
    creations: creations.map((one) => ({ ...creation, ...one })),
  });
}

describe('samples of instances', () => {
  it('keep the highest readings of each day', async () => {
    await note('2026-01-05T01:00:00Z', [{ memory: 100, sessions: 7 }]);
    await note('2026-01-05T02:00:00Z', [{ memory: 300 }, { instance: 'billing' }]);
    await note('2026-01-05T03:00:00Z', [{ memory: 200, sessions: 9, limit: 1024 }]);
    await note('2026-01-06T03:00:00Z', [{ memory: 50 }]);
    const days = await store.samples('engine').days();
    expect(days.map(({ instance, day, memory, sessions, limit }) => [instance, day, memory, sessions, limit])).toEqual([
      ['billing', '2026-01-05', 100, null, 512],
      ['orders', '2026-01-05', 300, 9, 1024],
      ['orders', '2026-01-06', 50, null, 512],
    ]);
    expect(await store.samples('other engine').days()).toEqual([]);
  });

  it('count a kill on the day on which the counter has grown, also after a restart', async () => {
    await note('2026-01-05T01:00:00Z', [{ oomKills: 0 }]);
    await note('2026-01-06T01:00:00Z', [{ oomKills: 2 }]);
    await note('2026-01-07T01:00:00Z', [{ oomKills: 2 }]);
    await note('2026-01-08T01:00:00Z', [{ oomKills: 0, startedAt: '2026-01-07T05:00:00Z' }]);
    await note('2026-01-09T01:00:00Z', [{ oomKills: 1, startedAt: '2026-01-08T05:00:00Z' }]);
    const days = await store.samples('engine').days();
    expect(days.filter(({ killed }) => killed).map(({ day }) => day)).toEqual(['2026-01-06', '2026-01-09']);
  });

  it('are kept for 180 days', async () => {
    await note('2026-01-05T01:00:00Z', [{}]);
    await note('2026-07-04T01:00:00Z', [{}]);
    expect((await store.samples('engine').days()).map(({ day }) => day)).toEqual(['2026-01-05', '2026-07-04']);
    await note('2026-07-05T01:00:00Z', [{}]);
    expect((await store.samples('engine').days()).map(({ day }) => day)).toEqual(['2026-07-04', '2026-07-05']);
  });
});

describe('creations', () => {
  it('keep what they first led to', async () => {
    await note('2026-01-01T00:01:00Z', [], [{}]);
    await note('2026-01-01T00:02:00Z', [], [{ result: 'failed', conflict: true }]);
    await note('2026-01-01T00:03:00Z', [], [{ result: 'started', startedAt: '2026-01-01T00:02:30Z', instances: 9 }]);
    expect(await store.samples('engine').creations()).toEqual([{ ...creation, result: 'failed', conflict: true }]);
  });

  it('are bounded to the newest 5,000', async () => {
    const many = Array.from({ length: 5_010 }, (_, index) => ({
      container: `c${index}`,
      createdAt: new Date(Date.UTC(2026, 0, 1) + index * 1000).toISOString(),
    }));
    await note('2026-01-02T00:00:00Z', [], many);
    const kept = await store.samples('engine').creations();
    expect(kept).toHaveLength(5_000);
    expect(kept[0]?.container).toBe('c10');
  });
});
