import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { openRemediation } from '../../src/app/remediation.ts';
import { type Config, loadConfig } from '../../src/config/config.ts';
import { ProblemsError } from '../../src/errors.ts';
import type { EngineEvent } from '../../src/host/docker/types.ts';
import { findingId, type Remediator } from '../../src/remediation/contract.ts';
import type { Service } from '../../src/service/contract.ts';
import type { OpenEngine } from '../../src/service/engines.ts';
import { openService } from '../../src/service/service.ts';
import type { ServiceEvent } from '../../src/service/types.ts';
import { createTestHost, type TestHost } from '../../src/testing/index.ts';
import { createTestClock, type TestClock } from './test-clock.ts';

/** An engine in memory, which a test can cut off, and whose events it sends. */
interface TestEngine {
  readonly host: TestHost;
  isAway: boolean;
  /** What the remediator of the test finds on every instance. */
  finds: boolean;
  fails: boolean;
  /** Its checks wait for this. */
  held: Promise<void> | undefined;
  readonly send: (event: Pick<EngineEvent, 'action'> & { readonly name: string }) => void;
}

function answers(statement: string): readonly Record<string, string | null>[] {
  return statement.includes('pg_stat_database')
    ? [{ version: '17.2', connections_limit: '100', connections: '4', checksum_failures: null }]
    : [{ bytes: '7000' }];
}

function createTestEngine(names: readonly string[]): TestEngine {
  const followers = new Set<(event: EngineEvent) => void>();
  const host = createTestHost({
    instances: names.map((name) => ({ name, container: { memory: 1_000 }, sql: answers })),
    docker: {
      stats: async () => ({ memory: 500, memoryLimit: 1_000 }),
      follow: async ({ signal }, onEvent) => {
        followers.add(onEvent);
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('stopped')));
        });
      },
    },
  });
  return {
    host,
    isAway: false,
    finds: false,
    fails: false,
    held: undefined,
    send: ({ action, name }) =>
      followers.forEach((onEvent) =>
        onEvent({ at: '2026-01-01T00:00:00.000Z', type: 'container', action, actor: idOf(host, name), attributes: {} }),
      ),
  };
}

function idOf({ world }: TestHost, name: string): string {
  const { containers } = z
    .object({ containers: z.array(z.object({ id: z.string(), name: z.string() })) })
    .parse(world());
  return containers.find((one) => one.name === `vrooli-postgres-${name}`)?.id ?? '';
}

function remediatorOf(engine: TestEngine): Remediator {
  return {
    name: 'test-check',
    description: 'for a test',
    details: z.json(),
    expected: z.json(),
    async detect(host) {
      await engine.held;
      if (engine.fails) throw new Error('the check failed');
      const instances = engine.finds ? await host.instances() : [];
      return {
        notLookedAt: [],
        findings: instances.map(({ name }) => ({
          id: findingId('test-check', name, 'kind'),
          remediator: 'test-check',
          instance: name,
          kind: 'kind',
          summary: 'Something is wrong.',
          risk: 'safe',
          evidence: [],
          details: {},
          problem: null,
        })),
      };
    },
    plan: async () => ({ type: 'refusal', reason: 'a test', advice: '' }),
    verify: async () => ({ result: 'impossible', checks: [] }),
  };
}

describe('the service', () => {
  let folder: string;
  let clock: TestClock;
  let engines: Record<string, TestEngine>;
  let services: Service[];
  let warnings: string[];
  let events: ServiceEvent[];

  beforeEach(async () => {
    vi.stubEnv('PROBLEMS_STATE', '');
    folder = await mkdtemp(join(tmpdir(), 'service-'));
    clock = createTestClock('2026-01-01T00:00:00Z');
    engines = { local: createTestEngine(['orders', 'billing']) };
    services = [];
    warnings = [];
    events = [];
  });

  afterEach(async () => {
    await Promise.all(services.map(async (service) => service.stop()));
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });

  async function open(stated: Config['service'] = {}): Promise<Service> {
    const config = { ...(await loadConfig(folder, { lookup: false })), service: stated };
    const openEngine: OpenEngine = async ({ name }, instances) => {
      const engine = engines[name];
      if (engine === undefined) throw new Error(`no engine ${name}`);
      const { reader } = engine.host.open;
      const away = (): never => {
        throw new ProblemsError('engine-unreachable', `${name} does not answer.`);
      };
      const docker = {
        ...reader.docker,
        info: async () => (engine.isAway ? away() : reader.docker.info()),
        containers: async () => (engine.isAway ? away() : reader.docker.containers()),
      };
      const all = async () => (engine.isAway ? away() : reader.instances());
      const only = async () => (await all()).filter((one) => instances?.includes(one.name) !== false);
      const held = { ...reader, docker, instances: only };
      return openRemediation({
        folder,
        config: { state: join(folder, `${name}.db`) },
        remediators: [remediatorOf(engine)],
        now: () => clock.now(),
        host: {
          ...engine.host.open,
          reader: held,
          withSignal: (signal) => ({ ...engine.host.open, reader: { ...held, signal } }),
        },
        ...(instances === undefined ? {} : { instances }),
      });
    };
    const service = await openService({
      config,
      clock,
      file: join(folder, 'service.db'),
      open: openEngine,
      onWarning: (text) => warnings.push(text),
    });
    service.subscribe((event) => events.push(event));
    services.push(service);
    return service;
  }

  /** Opening a journal takes real time, so the first round is waited for. */
  async function started(stated: Config['service'] = {}): Promise<Service> {
    const service = await open(stated);
    await vi.waitFor(() =>
      expect(events.some((event) => event.type === 'round' && event.round.endedAt !== null)).toBe(true),
    );
    await clock.pass(1_000);
    return service;
  }

  /** The instances of each round that has ended. */
  const ended = (): readonly (readonly string[] | null)[] =>
    events.flatMap((event) => (event.type === 'round' && event.round.endedAt !== null ? [event.round.instances] : []));

  const states = (service: Service): Record<string, string> =>
    Object.fromEntries(
      service.view().instances.map(({ engine, instance, status }) => [`${engine}/${instance}`, status]),
    );

  it('looks and checks at once when it starts', async () => {
    const service = await open();
    await vi.waitFor(() => expect(service.view().lastRound?.endedAt).toBeTruthy());
    const { instances, state, lastRound } = service.view();
    expect(state).toBe('running');
    expect(lastRound).toMatchObject({ kind: 'full', findings: 0, notLookedAt: 0, failure: null });
    expect(instances.map(({ instance }) => instance)).toEqual(['billing', 'orders']);
    expect(instances[1]).toMatchObject({
      status: 'up',
      serverVersion: '17.2',
      memory: { usage: 500, limit: 1_000 },
      connections: { used: 4, limit: 100 },
      databaseBytes: 7_000,
      fullyCheckedAt: '2026-01-01T00:00:00.000Z',
    });
    expect(service.view().jobs.find(({ name }) => name === 'light-look')).toMatchObject({
      lastEndedAt: '2026-01-01T00:00:00.000Z',
      nextAt: '2026-01-01T00:00:30.000Z',
    });
    expect(warnings).toEqual([]);
  });

  it('says that an instance is down at the next look, and at once after an event', async () => {
    const service = await started();
    const { local } = engines;
    await local?.host.acting.change.docker.stop(idOf(local.host, 'orders'), { timeoutSeconds: 1 });
    expect(states(service)['local/orders']).toBe('up');
    local?.send({ action: 'die', name: 'orders' });
    await clock.pass(600);
    expect(states(service)).toEqual({ 'local/orders': 'down', 'local/billing': 'up' });
    await local?.host.acting.change.docker.stop(idOf(local.host, 'billing'), { timeoutSeconds: 1 });
    await clock.pass(30_000);
    expect(states(service)).toEqual({ 'local/orders': 'down', 'local/billing': 'down' });
  });

  it('keeps an instance whose container was removed, until someone forgets it', async () => {
    const service = await started();
    const { local } = engines;
    const docker = local?.host.acting.change.docker;
    const id = local === undefined ? '' : idOf(local.host, 'orders');
    await docker?.stop(id, { timeoutSeconds: 1 });
    await docker?.remove(id);
    await clock.pass(60_000);
    expect(service.view().instances.find(({ instance }) => instance === 'orders')).toMatchObject({
      status: 'down',
      reason: expect.stringMatching(/^No container has its name/),
    });
    await service.withRemediation('local', async ({ session }) => session.seenInstances.forget('orders', session.at()));
    await clock.pass(30_000);
    expect(states(service)).toEqual({ 'local/billing': 'up' });
  });

  it('does not let an engine that is away harm another, and takes it back when it answers', async () => {
    engines = { here: createTestEngine(['orders']), there: createTestEngine(['reports']) };
    const service = await started({
      engines: [
        { name: 'here', host: 'unix:///here.sock' },
        { name: 'there', host: 'tcp://there:2376' },
      ],
    });
    expect(states(service)).toEqual({ 'here/orders': 'up', 'there/reports': 'up' });
    const { there } = engines;
    if (there !== undefined) there.isAway = true;
    await clock.pass(60_000);
    expect(states(service)).toEqual({ 'here/orders': 'up', 'there/reports': 'unknown' });
    expect(service.view().engines).toMatchObject([
      { name: 'here', reachable: true },
      { name: 'there', reachable: false, reason: 'there does not answer.' },
    ]);
    await clock.pass(300_000);
    expect(service.view().lastRound).toMatchObject({ failure: null, notLookedAt: 1 });
    if (there !== undefined) there.isAway = false;
    await clock.pass(60_000);
    expect(states(service)).toEqual({ 'here/orders': 'up', 'there/reports': 'up' });
  });

  it('knows after a restart what it saw before, and says up of nothing that it has not seen since', async () => {
    const first = await started();
    await first.stop();
    const { local } = engines;
    if (local !== undefined) local.isAway = true;
    await clock.pass(600_000);
    events = [];
    const second = await started();
    expect(states(second)).toEqual({ 'local/orders': 'unknown', 'local/billing': 'unknown' });
    expect(second.view().lastRound?.failure).toBe('local: local does not answer.');
  });

  it('follows findings from round to round, and goes on after a round that failed', async () => {
    const service = await started();
    const { local } = engines;
    if (local === undefined) throw new Error('no engine');
    local.finds = true;
    await clock.pass(300_000);
    expect(service.view().findings).toMatchObject([
      { finding: { instance: 'billing' }, goneAt: null },
      { finding: { instance: 'orders' }, goneAt: null },
    ]);
    local.fails = true;
    await clock.pass(300_000);
    expect(service.view().findings.every(({ goneAt }) => goneAt === null)).toBe(true);
    expect(service.view().instances[0]?.notLookedAt).toMatchObject([{ reason: 'the check failed' }]);
    local.fails = false;
    local.finds = false;
    await clock.pass(300_000);
    expect(service.view().findings.every(({ goneAt }) => goneAt !== null)).toBe(true);
    expect(events.filter(({ type }) => type === 'repaired')).toEqual([
      { type: 'repaired', class: 'test-check', seconds: 600 },
      { type: 'repaired', class: 'test-check', seconds: 600 },
    ]);
  });

  it('is refused while another one writes the same file', async () => {
    await open();
    await expect(open()).rejects.toMatchObject({ code: 'lock-held', message: expect.stringMatching(/runs already/) });
  });

  it('runs the round that is due while someone has a round of some instances run', async () => {
    const service = await started({ rounds: '5m' });
    const { local } = engines;
    if (local === undefined) throw new Error('no engine');
    let release = (): void => undefined;
    local.held = new Promise((resolve) => {
      release = resolve;
    });
    events = [];
    const requested = service.requestRound({ instances: ['orders'] });
    await vi.waitFor(() => expect(service.view().runningRound?.id).toBe(requested.id));
    await clock.pass(300_000);
    expect(service.view().runningRound?.id).toBe(requested.id);
    release();
    await vi.waitFor(() => expect(ended()).toEqual([['orders'], null]));
  });

  it('starts a round for some instances on request, and refuses work when it is stopping', async () => {
    const service = await started();
    const requested = service.requestRound({ instances: ['orders'] });
    expect(requested).toMatchObject({ instances: ['orders'], endedAt: null });
    await vi.waitFor(() => expect(service.view().lastRound).toMatchObject({ id: requested.id, instances: ['orders'] }));
    await expect(service.withRemediation('other', async () => undefined)).rejects.toMatchObject({ code: 'not-found' });
    await service.stop();
    await expect(service.withRemediation('local', async () => undefined)).rejects.toMatchObject({
      code: 'interrupted',
    });
  });
});
