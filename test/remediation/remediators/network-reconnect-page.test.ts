import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Container, Endpoint } from '../../../src/host/docker/types.ts';
import {
  detect,
  openRemediation,
  plan,
  type Remediation,
  remediate,
  type RunReport,
} from '../../../src/app/remediation.ts';
import { networkReconnect } from '../../../src/remediation/remediators/network-reconnect/index.ts';
import { createTestHost } from '../../../src/testing/index.ts';

/*
 * A GUI, its instance and their networks, whose state the test changes: the real engine and the real remediator run on it.
 */

const server = 'vrooli-postgres-orders';
const gui = 'vrooli-pgweb-orders';
const refused = 'bash: line 3: /dev/tcp/127.0.0.1/8081: Connection refused';

interface World {
  isConnected: boolean;
  startedAt: string;
  /** What the page answers: 0 is no answer. */
  page: number;
  /** What it answers after a restart of the GUI. */
  pageAfterRestart: number;
  restarts: number;
}

let folder = '';
let opened: Remediation | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'problems-page-'));
});
afterEach(async () => {
  opened?.close();
  await rm(folder, { recursive: true });
});

function endpoint(network: string, ipv4: string): Endpoint {
  return {
    network,
    networkId: network,
    aliases: [],
    dnsNames: [],
    ipv4,
    ipv6: '',
    staticIpv4: '',
    staticIpv6: '',
  } as Endpoint;
}

/** Opens the engine on this world. `allow` permits restarts without approval. */
async function openOn(world: World, { allow = false }: { readonly allow?: boolean } = {}): Promise<Remediation> {
  const { reader } = createTestHost({
    instances: [{ name: 'orders', container: { endpoints: [endpoint('shop', '172.20.0.2')] } }],
    containers: [
      {
        name: gui,
        imageName: 'sosedoff/pgweb',
        env: { PGWEB_DATABASE_URL: `postgres://app:secret@${server}:5432/orders` },
        endpoints: [endpoint('other', '172.21.0.2')],
      },
    ],
  });
  const known = await reader.docker.containers();
  const stopped = new Set<string>();
  function present(container: Container): Container {
    if (container.name !== gui) return container;
    const running = !stopped.has(container.id);
    return {
      ...container,
      endpoints: [...container.endpoints, ...(world.isConnected ? [endpoint('shop', '172.20.0.3')] : [])],
      state: { ...container.state, running, status: running ? 'running' : 'exited', startedAt: world.startedAt },
    };
  }
  const containers = async () => known.map(present);
  const { open } = createTestHost({
    instances: [{ name: 'orders', sql: () => [{ system_identifier: '7', listen: '*', source: 'default' }] }],
    docker: {
      containers,
      container: async (ref) => (await containers()).find(({ id, name }) => id === ref || name === ref),
      networks: async () => [{ id: '1', name: 'shop', driver: 'bridge', internal: false, labels: {} }],
    },
    probes: {
      reach: async () =>
        world.isConnected
          ? {
              addresses: ['172.20.0.2'],
              ready: 'accepting connections',
              sql: { ok: true, systemIdentifier: '7', serverAddress: '172.20.0.2', database: 'orders' },
            }
          : {
              addresses: [],
              ready: 'no response',
              sql: {
                ok: false,
                message: `could not translate host name "${server}" to address: Name or service not known`,
              },
            },
      httpGet: async () => ({ status: world.page, text: world.page === 0 ? refused : '{}' }),
    },
    change: {
      docker: {
        connect: async () => void (world.isConnected = true),
        disconnect: async () => void (world.isConnected = false),
        stop: async (ref) => void stopped.add(ref),
        async start(ref) {
          stopped.delete(ref);
          world.restarts += 1;
          world.page = world.pageAfterRestart;
        },
      },
    },
  });
  opened = await openRemediation({
    folder,
    host: open,
    remediators: [networkReconnect],
    config: {
      settings: { 'network-reconnect': { sharedNetworks: ['shop'], pageSeconds: 0.1 } },
      ...(allow ? { allow: ['restart-running'], automation: { 'network-reconnect': 'auto' } } : {}),
    },
  });
  return opened;
}

function shown({ finding, outcome }: RunReport): readonly [string | null, string] {
  return [finding, outcome];
}

const noNetwork = `network-reconnect/orders/no-common-network/${gui}`;
const silent = `network-reconnect/orders/page-silent/${gui}`;
const world: World = {
  isConnected: false,
  startedAt: '2026-01-01T00:00:00Z',
  page: 400,
  pageAfterRestart: 200,
  restarts: 0,
};

describe('a GUI that is connected to its network', { timeout: 30_000 }, () => {
  it('is fixed although its page did not answer before and does not now, which is a finding of its own', async () => {
    const remediation = await openOn({ ...world, page: 0 });
    const { proposals } = await plan(remediation);
    expect(proposals).toMatchObject([{ finding: { id: noNetwork }, plan: { expected: { silentBefore: true } } }]);
    const { runs } = await remediate(remediation);
    expect(runs.map(shown)).toEqual([
      [noNetwork, 'fixed'],
      [silent, 'awaiting-approval'],
    ]);
    expect(runs[0]?.verification?.checks.at(-1)).toMatchObject({
      name: expect.stringContaining('did not answer before either'),
      seen: expect.stringContaining('Connection refused'),
    });
    expect((await detect(remediation)).findings).toMatchObject([
      { id: silent, risk: 'restart', summary: `${gui} reaches ${server}, but its own page does not answer.` },
    ]);
  });

  it('is restarted in the same round if its page is silent and the config allows it', async () => {
    const state = { ...world, page: 0 };
    const { runs } = await remediate(await openOn(state, { allow: true }));
    expect(runs.map(shown)).toEqual([
      [noNetwork, 'fixed'],
      [silent, 'fixed'],
    ]);
    expect(state).toMatchObject({ isConnected: true, restarts: 1 });
  });

  it('is rolled back if its page answered before and does not show its database now', async () => {
    const state = { ...world };
    const { runs } = await remediate(await openOn(state));
    expect(runs.map(shown)).toEqual([[noNetwork, 'rolled-back']]);
    expect(state.isConnected).toBe(false);
  });
});

describe('a GUI whose page does not answer although it reaches its database', { timeout: 30_000 }, () => {
  it('waits for your approval, and its restart fixes it', async () => {
    const state = { ...world, isConnected: true, page: 0 };
    const remediation = await openOn(state);
    expect((await remediate(remediation)).runs.map(shown)).toEqual([[silent, 'awaiting-approval']]);
    expect(state.restarts).toBe(0);
    expect((await remediate(remediation, { yes: true })).runs.map(shown)).toEqual([[silent, 'fixed']]);
    expect(state.restarts).toBe(1);
    expect((await detect(remediation)).findings).toEqual([]);
  });

  it('is restarted unattended if the config allows it', async () => {
    const remediation = await openOn({ ...world, isConnected: true, page: 0 }, { allow: true });
    expect((await remediate(remediation)).runs.map(shown)).toEqual([[silent, 'fixed']]);
  });

  it('is not called fixed if a restart does not help', async () => {
    const remediation = await openOn({ ...world, isConnected: true, page: 0, pageAfterRestart: 0 });
    expect((await remediate(remediation, { yes: true })).runs.map(shown)).toEqual([[silent, 'rolled-back']]);
    expect((await detect(remediation)).findings).toMatchObject([{ id: silent }]);
  });

  it('is no finding while it is starting, or if its page needs a login', async () => {
    const starting = await openOn({ ...world, isConnected: true, page: 0, startedAt: new Date().toISOString() });
    expect((await detect(starting)).findings).toEqual([]);
    starting.close();
    expect((await detect(await openOn({ ...world, isConnected: true, page: 401 }))).findings).toEqual([]);
  });
});
