import { describe, expect, it } from 'vitest';
import type { Container } from '../../../src/host/docker/types.ts';
import {
  placesOf,
  sizeSettings,
  smallerPools,
} from '../../../src/remediation/remediators/connection-pool/client-pools.ts';
import { sessionsToEnd } from '../../../src/remediation/remediators/connection-pool/plan-idle.ts';
import type { Limits, Session } from '../../../src/remediation/remediators/connection-pool/types.ts';
import { containerOf, type TestContainer } from '../../../src/testing/test-containers.ts';
import { session as idle } from './pool-session.ts';

function at(network: string, ipv4: string, declared: TestContainer): Container {
  const endpoint = { network, networkId: network, aliases: [], ipv4, ipv6: '', staticIpv4: '', staticIpv6: '' };
  return containerOf({ ...declared, endpoints: [endpoint] });
}

const server = at('shop', '172.18.0.2', { name: 'shop-db-1' });

describe('the client at an address', () => {
  const places = placesOf({ container: server }, [
    server,
    at('shop', '172.18.0.3', { name: 'shop-web-1', labels: { 'com.docker.compose.service': 'web' } }),
    at('other', '172.19.0.3', { name: 'other-web-1' }),
    at('shop', '172.18.0.9', { name: 'gone', state: { ...server.state, running: false } }),
  ]);

  it('is a container of a common network, with its Compose service', () => {
    expect(places.get('172.18.0.3')?.words).toBe('container shop-web-1 (Compose service web)');
  });

  it('is unknown on other networks, and neither a stopped container nor the server', () => {
    expect([...places.keys()]).toEqual(['172.18.0.3']);
  });
});

describe('where the size of a pool is set', () => {
  it.for([
    ['quay.io/keycloak/keycloak:26', {}, '', 'KC_DB_POOL_MAX_SIZE of app'],
    ['postgrest/postgrest', { PGRST_DB_POOL: '40' }, '', 'PGRST_DB_POOL of app, 40 now'],
    ['acme/shop', { DB_POOL: 'secret text' }, '', 'DB_POOL of app'],
    ['bitnami/pgbouncer:1', {}, '', 'default_pool_size and server_idle_timeout of app'],
    [
      'acme/shop',
      {},
      'PostgreSQL JDBC Driver',
      'maximumPoolSize of HikariCP (spring.datasource.hikari.maximum-pool-size)',
    ],
    ['acme/shop', {}, 'orders', undefined],
  ] as const)('%s with %j as "%s": %s', ([imageName, env, application, expected]) => {
    const app = at('shop', '172.18.0.3', { name: 'app', imageName, env });
    const found = sizeSettings([{ client: '172.18.0.3', application }], placesOf({ container: server }, [app]));
    expect(found).toEqual(expected === undefined ? [] : [expected]);
  });

  it('is left to the clients if it is unknown', () => {
    expect(smallerPools([{ client: '10.0.0.1', application: 'orders' }], new Map())).toMatch(
      /^Make the pools of these/,
    );
  });
});

describe('unused sessions', () => {
  const session: Session = { ...idle, client: '172.18.0.3', stateMs: 900_000, sessionMs: 900_500 };
  const limits = { major: 17 } as const satisfies Partial<Limits>;

  function ending(
    more: Partial<Session>,
    {
      major = limits.major,
      isPooler = false,
      others = [],
    }: { major?: number; isPooler?: boolean; others?: readonly Session[] } = {},
  ): number | string {
    const unused = Array.from({ length: 10 }, (_, index) => ({ ...session, pid: index + 1, ...more }));
    const found = sessionsToEnd(
      {
        limits: { maxConnections: 20, reserved: 3, standby: false, prepared: 0, replicas: 0, abandoned: 0, major },
        samples: [{ afterMs: 0, sessions: [...unused, ...others], opened: null }],
        places: new Map([['172.18.0.3', { words: 'container web', isPooler, setting: undefined }]]),
      },
      unused,
      { maxEnded: 8 },
    );
    return 'reason' in found ? found.reason : found.length;
  }

  it('of an ordinary role are ended, as many as one plan may end', () => {
    expect(ending({})).toBe(8);
  });

  it.for<readonly [string, Parameters<typeof ending>, RegExp]>([
    ['on PostgreSQL 13, which has no timeout for them', [{}, { major: 13 }], /PostgreSQL 13 has no timeout/],
    ['of superusers', [{ privileged: true }], /belong to superusers.*role/],
    ['of a pooler', [{}, { isPooler: true }], /from a pooler/],
    ['of a role that listens', [{}, { others: [{ ...session, pid: 99, listens: true }] }], /listens/],
    ['of a role that holds an advisory lock', [{}, { others: [{ ...session, pid: 99, advisory: true }] }], /advisory/],
    ['of a tool', [{ application: 'pg_dump' }], /a tool/],
  ])('%s are kept, with the reason', ([, [more, options], reason]) => {
    expect(ending(more, options)).toMatch(reason);
  });
});
