import { describe, expect, it } from 'vitest';
import type { Container } from '../../../src/host/docker/types.ts';
import type { SqlResult } from '../../../src/host/postgres/types.ts';
import { findingOfHost, refuseHost } from '../../../src/remediation/remediators/network-reconnect/host-clients.ts';
import { createTestHost } from '../../../src/testing/index.ts';

const published = { containerPort: 5432, protocol: 'tcp', hostIp: '127.0.0.1', hostPort: '5434' };
// What PostgreSQL 17 answers to a client that comes through docker-proxy.
const refused = {
  ok: false,
  message: 'no pg_hba.conf entry for host "172.18.0.1", user "app", database "app", no encryption',
  sqlstate: '28000',
  via: 'published',
} as const;
const reset = { ok: false, message: 'read ECONNRESET', sqlstate: undefined, via: 'published' } as const;

interface World {
  readonly answer: SqlResult;
  /** How the server is asked about itself. */
  readonly via?: 'published' | 'exec';
  readonly facts?: { readonly listen: string; readonly ssl: string; readonly tls: string };
  readonly container?: Partial<Container>;
}

async function tried({ answer, via = 'exec', facts = { listen: '*', ssl: 'off', tls: 'f' }, container = {} }: World) {
  const { reader } = createTestHost({
    instances: [{ name: 'orders', container: { publishedPorts: [published], ...container } }],
  });
  const instance = await reader.instance('orders');
  if (instance === undefined) throw new Error('there is no instance');
  const query = async (_: unknown, __: string, options: { readonly via?: string } = {}): Promise<SqlResult> =>
    options.via === 'published' ? answer : { ok: true, rows: [facts], truncated: false, via };
  const finding = await findingOfHost(instance, { ...reader, sql: { ...reader.sql, query } });
  return { kind: finding?.kind, advice: finding === undefined ? '' : refuseHost(finding, instance).advice };
}

describe('a client on the host', () => {
  it('that the access rules leave out is told the line that lets it in, and no wider one', async () => {
    const { kind, advice } = await tried({ answer: refused });
    expect(kind).toBe('host-refused');
    expect(advice).toContain('172.18.0.1/32 scram-sha-256');
    expect(advice).toContain('without the published port 5434');
  });

  it('is told if the server does not listen where the published port leads', async () => {
    const { kind, advice } = await tried({ answer: reset, facts: { listen: 'localhost', ssl: 'off', tls: 'f' } });
    expect(kind).toBe('host-not-heard');
    expect(advice).toContain("ALTER SYSTEM SET listen_addresses = '*'");
  });

  it.for<[string, World]>([
    ['it gets in', { answer: { ok: true, rows: [], truncated: false, via: 'published' } }],
    ['the server was asked that way already', { answer: refused, via: 'published' }],
    [
      'only its password is wrong',
      { answer: { ...refused, message: 'password authentication failed', sqlstate: '28P01' } },
    ],
    ['it would get in with TLS', { answer: refused, facts: { listen: '*', ssl: 'on', tls: 't' } }],
    ['something between the two separates them', { answer: reset }],
    ['the port is not published', { answer: refused, container: { publishedPorts: [] } }],
  ])('is no finding if %s', async ([, world]) => {
    expect((await tried(world)).kind).toBeUndefined();
  });
});
