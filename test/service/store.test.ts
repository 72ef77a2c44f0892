import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownIdentity } from '../../src/host/process-identity.ts';
import type { ServiceOwner } from '../../src/service/store/shapes.ts';
import { openServiceStore, type ServiceFile } from '../../src/service/store/store.ts';
import type { AlertView, InstanceSample, RoundView, TrackedFinding } from '../../src/service/types.ts';

let folder: string;
let store: ServiceFile | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'service-store-'));
});

afterEach(async () => {
  store?.close();
  store = undefined;
  await rm(folder, { recursive: true });
});

async function opened(): Promise<ServiceFile> {
  store = await openServiceStore(join(folder, 'service.db'));
  return store;
}

function round(id: string, startedAt: string): RoundView {
  return {
    id,
    kind: 'full',
    startedAt,
    endedAt: null,
    instances: null,
    findings: 0,
    notLookedAt: 0,
    failure: null,
  };
}

function tracked(id: string, lastSeen: string, goneAt: string | null): TrackedFinding {
  return {
    engine: 'local',
    finding: {
      id,
      remediator: 'availability',
      instance: id.split('/')[1] ?? '',
      kind: 'failed',
      summary: 'It is down.',
      risk: 'safe',
      evidence: [{ type: 'log', at: '', text: '<b>PANIC</b>' }],
      problem: null,
    },
    severity: 'critical',
    firstSeen: lastSeen,
    lastSeen,
    goneAt,
    recurrences: 0,
    acknowledged: null,
    silencedUntil: null,
  };
}

function sample(at: number): InstanceSample {
  return {
    at: new Date(at).toISOString(),
    status: 'up',
    memoryUsage: 1,
    memoryLimit: 2,
    memoryWorstCase: null,
    connections: 3,
    connectionsLimit: 100,
    databaseBytes: null,
    findings: 0,
  };
}

async function owner(): Promise<ServiceOwner> {
  return { ...(await ownIdentity()), startedAt: '2026-01-01T00:00:00.000Z', address: null, lookSeconds: 30 };
}

describe('the store of the service', () => {
  it('is a file that only its owner can read', async () => {
    await opened();
    expect((await stat(join(folder, 'service.db'))).mode & 0o777).toBe(0o600);
  });

  it('gives back after a restart what it was given', async () => {
    const first = await opened();
    first.rounds.note(round('a', '2026-01-01T00:00:00.000Z'));
    first.rounds.note({ ...round('a', '2026-01-01T00:00:00.000Z'), endedAt: '2026-01-01T00:01:00.000Z' });
    first.findings.note(tracked('availability/orders/failed', '2026-01-01T00:00:00.000Z', null));
    first.findings.note(tracked('availability/billing/failed', '2026-01-02T00:00:00.000Z', '2026-01-03T00:00:00.000Z'));
    first.counters.add('alerts', 2);
    first.counters.add('alerts', 3);
    first.close();
    const again = await opened();
    expect(again.rounds.list(10)).toEqual([
      { ...round('a', '2026-01-01T00:00:00.000Z'), endedAt: '2026-01-01T00:01:00.000Z' },
    ]);
    expect(again.findings.list({ state: 'open', limit: 10 })).toEqual([
      tracked('availability/orders/failed', '2026-01-01T00:00:00.000Z', null),
    ]);
    expect(again.findings.list({ state: 'gone', limit: 10 }).map(({ finding }) => finding.instance)).toEqual([
      'billing',
    ]);
    expect(again.findings.list({ instance: 'billing', limit: 10 })).toHaveLength(1);
    expect(again.counters.get('alerts')).toBe(5);
    expect(again.counters.get('unknown')).toBe(0);
  });

  it('thins samples to one for each quarter of an hour after 48 h, and drops them after 90 days', async () => {
    const { samples } = await opened();
    const now = Date.parse('2026-06-01T12:00:00Z');
    const hour = 3_600_000;
    for (let minutes = 0; minutes < 60; minutes += 5) {
      samples.note('local', 'orders', sample(now - 72 * hour + minutes * 60_000));
      samples.note('local', 'orders', sample(now - 24 * hour + minutes * 60_000));
      samples.note('local', 'orders', sample(now - 91 * 24 * hour + minutes * 60_000));
    }
    samples.thin(new Date(now).toISOString());
    const left = samples.since('local', 'orders', '2026-01-01T00:00:00Z').map(({ at }) => at);
    expect(left.filter((at) => at < new Date(now - 48 * hour).toISOString())).toEqual([
      '2026-05-29T12:00:00.000Z',
      '2026-05-29T12:15:00.000Z',
      '2026-05-29T12:30:00.000Z',
      '2026-05-29T12:45:00.000Z',
    ]);
    expect(left).toHaveLength(4 + 12);
    samples.thin(new Date(now).toISOString());
    expect(samples.since('local', 'orders', '2026-01-01T00:00:00Z')).toHaveLength(16);
  });

  it('keeps a bounded number of rounds, the newest ones', async () => {
    const { rounds } = await opened();
    for (let index = 0; index < 2_150; index += 1)
      rounds.note(round(`r${index}`, new Date(Date.parse('2026-01-01T00:00:00Z') + index * 60_000).toISOString()));
    const left = rounds.list(10_000);
    expect(left.length).toBeLessThanOrEqual(2_100);
    expect(left.length).toBeGreaterThanOrEqual(2_000);
    expect(left[0]?.id).toBe('r2149');
  });

  it('keeps alerts of one cause apart by their start', async () => {
    const { alerts } = await opened();
    const alert: AlertView = {
      fingerprint: 'f',
      name: 'InstanceDown',
      severity: 'critical',
      engine: 'local',
      instance: 'orders',
      finding: null,
      summary: 'orders is down',
      state: 'resolved',
      startsAt: '2026-01-01T00:00:00.000Z',
      endsAt: '2026-01-01T01:00:00.000Z',
      acknowledged: null,
      silencedUntil: null,
      sent: [{ channel: 'hook', state: 'firing', at: '2026-01-01T00:00:01.000Z' }],
    };
    alerts.note(alert);
    alerts.note({ ...alert, startsAt: '2026-01-02T00:00:00.000Z', endsAt: null, state: 'firing' });
    expect(alerts.open().map(({ startsAt }) => startsAt)).toEqual(['2026-01-02T00:00:00.000Z']);
    expect(alerts.list(10)).toHaveLength(2);
  });

  it('leaves out a row that it cannot read', async () => {
    const first = await opened();
    first.rounds.note(round('a', '2026-01-01T00:00:00.000Z'));
    first.close();
    const raw = new DatabaseSync(join(folder, 'service.db'));
    raw.prepare("INSERT INTO round VALUES ('b', '2026-01-01', '{\"id\": 7}'), ('c', '2026-01-01', 'no JSON')").run();
    raw.close();
    expect((await opened()).rounds.list(10).map(({ id }) => id)).toEqual(['a']);
  });

  it('forgets an instance with its samples and findings, and no other', async () => {
    const { findings, instances, samples } = await opened();
    findings.note(tracked('availability/orders/failed', '2026-01-01T00:00:00.000Z', null));
    findings.note(tracked('availability/billing/failed', '2026-01-01T00:00:00.000Z', null));
    samples.note('local', 'orders', sample(Date.now()));
    instances.forget('local', 'orders');
    expect(findings.list({ limit: 10 }).map(({ finding }) => finding.instance)).toEqual(['billing']);
    expect(samples.since('local', 'orders', '2026-01-01')).toEqual([]);
  });
});

describe('a file that is not as the service left it', () => {
  it('is refused when it is damaged, is left as it is, and the error says how to go on', async () => {
    const path = join(folder, 'service.db');
    await writeFile(path, 'This was a database once.'.repeat(100), { mode: 0o600 });
    await expect(openServiceStore(path)).rejects.toMatchObject({
      code: 'state-damaged',
      hint: expect.stringMatching(/history of the service and nothing else.*makes a new one/),
    });
    expect(await readFile(path, 'utf8')).toMatch(/^This was a database once/);
  });

  it('is refused when it has a trigger that the service did not make', async () => {
    (await opened()).close();
    store = undefined;
    const raw = new DatabaseSync(join(folder, 'service.db'));
    raw.exec('CREATE TRIGGER extra AFTER INSERT ON round BEGIN DELETE FROM token; END');
    raw.close();
    await expect(openServiceStore(join(folder, 'service.db'))).rejects.toMatchObject({ code: 'state-untrusted' });
  });

  it('is refused when others may write it', async () => {
    (await opened()).close();
    store = undefined;
    await chmod(join(folder, 'service.db'), 0o666);
    await expect(openServiceStore(join(folder, 'service.db'))).rejects.toMatchObject({ code: 'state-untrusted' });
  });
});

describe('the lock of the service', () => {
  it('is refused to a second service, with the process that holds it', async () => {
    const { lock } = await opened();
    const mine = await owner();
    await lock.take(mine, new Date());
    await expect(lock.take({ ...mine, startedAt: 'later' }, new Date())).rejects.toMatchObject({
      code: 'lock-held',
      message: `Another service runs already: process ${process.pid}.`,
    });
    expect(await lock.holder(new Date())).toMatchObject({ pid: process.pid });
    lock.release(mine);
    expect(await lock.holder(new Date())).toBeUndefined();
  });

  it('is taken over from a process that was killed', async () => {
    const { lock } = await opened();
    const mine = await owner();
    const child = spawn('sleep', ['60']);
    const fields = (await readFile(`/proc/${child.pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
    await lock.take({ ...mine, pid: child.pid ?? 0, began: fields[19] ?? '' }, new Date());
    await expect(lock.take(mine, new Date())).rejects.toMatchObject({ code: 'lock-held' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await lock.holder(new Date())).toBeUndefined();
    await lock.take(mine, new Date());
    expect(await lock.holder(new Date())).toMatchObject({ pid: process.pid });
  });
});
