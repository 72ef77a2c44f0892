import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../../../src/host/docker/types.ts';
import type { Plan } from '../../../src/remediation/contract.ts';
import type { Client } from '../../../src/remediation/remediators/network-reconnect/clients.ts';
import { inCompose } from '../../../src/remediation/remediators/network-reconnect/plan-compose.ts';
import type { NetworkExpected } from '../../../src/remediation/remediators/network-reconnect/types.ts';
import { createProject, type ProjectOptions } from '../compose-project.ts';

/** A client on the network `web` connects to `host` on the server, which is the service `db` of a Compose project on `data`. */
async function planned(host: string, options: ProjectOptions & { readonly clientOn: string }) {
  const data = [endpointOn('data')];
  const { reader, instance } = await createProject({
    ...options,
    container: { endpoints: data },
    docker: { changes: async () => [] },
  });
  const found = await instance();
  const client: Client = {
    container: { ...found.container, name: 'app', id: 'b'.repeat(64), endpoints: [endpointOn(options.clientOn)] },
    instance: found,
    address: {
      source: 'PGHOST',
      host,
      port: 5432,
      user: undefined,
      password: undefined,
      database: undefined,
      sslMode: undefined,
    },
    gui: false,
  };
  return inCompose(live(client), client, 'data', reader);
}

describe('a connection of a Compose project', () => {
  it('is a change of its file, if that is certain', async () => {
    const plan = await planned('database', { clientOn: 'data' });
    expect(plan.steps).toMatchObject([
      {
        action: 'compose.change',
        params: { service: 'db', edits: [{}, { after: 'networks:\n  data: {external: true}\n' }] },
      },
    ]);
    expect(plan.expected.compose).toMatchObject({ hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(plan.summary).toBe('Connect it, in the files of its Compose project.');
  });

  it.for<[string, Parameters<typeof planned>, string]>([
    [
      'the config forbids it',
      ['database', { clientOn: 'data', mode: 'refuse' }],
      'then run in /project: docker compose up -d --no-deps db',
    ],
    ['two containers change', ['database', { clientOn: 'web' }], 'Add data to the networks of both services'],
  ])('is made as it is if %s, and the plan says what to change', async ([, given, said]) => {
    const plan = await planned(...given);
    expect(plan.steps).toEqual([]);
    expect(plan.unpredictable[0]).toContain('This lasts until Compose recreates the container.');
    expect(plan.unpredictable[0]).toContain(said);
  });
});

function endpointOn(network: string): Endpoint {
  return { network, networkId: network, aliases: [], ipv4: '', ipv6: '', staticIpv4: '', staticIpv6: '' };
}

function live({ instance }: Client): Plan<NetworkExpected> {
  return {
    type: 'plan',
    remediator: 'network-reconnect',
    finding: {
      id: 'network-reconnect/orders/x',
      remediator: 'network-reconnect',
      instance: 'orders',
      kind: 'x',
      summary: '',
      risk: 'safe',
      evidence: [],
      details: null,
      problem: null,
    },
    target: { instance: 'orders', container: instance.container.id, volumes: [] },
    summary: 'Connect it.',
    steps: [],
    cleanup: [],
    leftovers: [],
    risk: 'safe',
    downtime: { seconds: 0, why: '' },
    unpredictable: [],
    undo: '',
    expected: {
      client: 'x',
      source: 'PGHOST',
      host: 'database',
      port: 5432,
      network: 'data',
      server: 'y',
      systemIdentifier: null,
    },
  };
}
