import { describe, expect, it } from 'vitest';
import { adviceForLogin, loginState } from '../../src/host/postgres/authentication.ts';
import { createTestHost } from '../../src/testing/index.ts';

const psql = 'psql: error: connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed:';

describe('a connection that psql could not make', () => {
  it.for<readonly [string, string | undefined]>([
    [`${psql} FATAL:  password authentication failed for user "postgres"`, '28P01'],
    [`${psql} fe_sendauth: no password supplied`, '28P01'],
    [`${psql} FATAL:  Peer authentication failed for user "postgres"`, '28000'],
    [`${psql} FATAL:  no pg_hba.conf entry for host "[local]", user "postgres", database "x", no encryption`, '28000'],
    [`${psql} FATAL:  pg_hba.conf rejects connection for host "[local]", user "postgres"`, '28000'],
    [`${psql} FATAL:  sorry, too many clients already`, undefined],
    [`${psql} No such file or directory`, undefined],
  ])('%s: %s', ([printed, state]) => {
    expect(loginState(printed)).toBe(state);
  });
});

describe('a refused login', () => {
  it('is told with what lets the tool in', async () => {
    const instance = await createTestHost({ instances: [{ name: 'orders' }] }).reader.instance('orders');
    if (instance === undefined) throw new Error('no instance');
    const address = { way: 'network', host: '172.17.0.2', hosts: ['172.17.0.2'], port: 5432 } as const;
    expect(adviceForLogin('28P01', instance, address)).toContain('172.17.0.2:5432:postgres:postgres:');
    expect(adviceForLogin('28P01', instance)).toContain('environment of vrooli-postgres-orders');
    expect(adviceForLogin('28000', instance, address)).toContain('"local all postgres scram-sha-256"');
  });
});
