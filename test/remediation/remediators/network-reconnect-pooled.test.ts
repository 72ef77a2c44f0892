import { describe, expect, it } from 'vitest';
import type { Container, Endpoint } from '../../../src/host/docker/types.ts';
import {
  findingOfPooled,
  pooledClientsOf,
  refusePooled,
} from '../../../src/remediation/remediators/network-reconnect/pooled-clients.ts';
import { createTestHost } from '../../../src/testing/index.ts';

const url = 'postgres://app:secret@pool:6432/shop';

interface World {
  readonly client?: Partial<Container>;
  readonly pooler?: Partial<Container>;
  /** What the client meets at the pooler. Default: an answer. */
  readonly says?: string;
}

async function looked({ client = {}, pooler = {}, says }: World = {}) {
  const { reader } = createTestHost({
    instances: [{ name: 'orders', container: { endpoints: [endpointOn('n')] } }],
    containers: [
      {
        name: 'pool',
        imageName: 'edoburu/pgbouncer:1.23',
        env: { DB_HOST: 'vrooli-postgres-orders' },
        endpoints: [endpointOn('n')],
        ...pooler,
      },
      { name: 'app', imageName: 'shop/app', env: { DATABASE_URL: url }, endpoints: [endpointOn('n')], ...client },
    ],
    probes: {
      reach: async (_, { host, port, login }) => {
        expect([host, port, login]).toEqual(['pool', 6432, { user: 'app', password: 'secret', database: 'shop' }]);
        const sql =
          says === undefined
            ? ({ ok: true, serverAddress: '172.18.0.2', database: 'shop', systemIdentifier: '7' } as const)
            : ({ ok: false, message: says } as const);
        return { addresses: ['172.18.0.3'], ready: '', sql };
      },
    },
  });
  const [instances, containers] = await Promise.all([reader.instances(), reader.docker.containers()]);
  const pooled = pooledClientsOf({ instances, containers });
  const [found] = pooled;
  const finding = found === undefined ? undefined : await findingOfPooled(found, reader);
  return {
    ways: pooled.map((one) => `${one.container.name} → ${one.pooler.name} → ${one.instance.name}`),
    kind: finding?.kind,
    advice: finding === undefined ? '' : refusePooled(finding, found).advice,
  };
}

describe("a pooler of somebody else as a client's way in", () => {
  it('is followed to the instance that it connects to', async () => {
    expect(await looked()).toMatchObject({ ways: ['app → pool → orders'], kind: undefined });
  });

  it.for([
    ['the client is on no network of it', { client: { endpoints: [endpointOn('other')] } }],
    ['it is not a pooler', { pooler: { imageName: 'nginx' } }],
    ['it connects to no instance', { pooler: { env: { DB_HOST: 'elsewhere' } } }],
  ] as const)('is not followed if %s', async ([, world]) => {
    expect((await looked(world)).ways).toEqual([]);
  });

  // What PgBouncer 1.18 and a server behind it say, by libpq.
  it.for([
    ['FATAL:  SASL authentication failed', /user list of pool \(auth_file\)/],
    ['FATAL:  password authentication failed for user "app"', /Add the user app .*user list of pool/],
    [
      'FATAL:  database "shop" does not exist',
      /Add the database shop to the \[databases\] of pool, with host=vrooli-postgres-orders/,
    ],
    ['connection to server at "pool" (172.18.0.3), port 6432 failed: Connection refused', /pool listens on port 6432/],
    ['FATAL:  no more connections allowed (max_client_conn)', /max_client_conn/],
  ] as const)('that says "%s" is told with what to change in it', async ([says, advice]) => {
    const seen = await looked({ says });
    expect(seen.kind).toBe('pooler-refuses');
    expect(seen.advice).toMatch(advice);
  });
});

function endpointOn(network: string): Endpoint {
  return { network, networkId: network, aliases: [], ipv4: '', ipv6: '', staticIpv4: '', staticIpv6: '' };
}
