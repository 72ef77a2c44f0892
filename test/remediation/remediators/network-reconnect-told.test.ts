import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Container } from '../../../src/host/docker/types.ts';
import { addressesOf } from '../../../src/remediation/remediators/network-reconnect/clients.ts';
import { envEdits } from '../../../src/remediation/remediators/network-reconnect/plan-recreate.ts';

const place = { host: 'vrooli-postgres-orders', port: 5432 };

describe('the changed address of a client', () => {
  it.for([
    [
      'a URL, between its login and its database',
      { DATABASE_URL: 'postgres://u:p@ss@localhost:5437/orders?sslmode=disable' },
      'DATABASE_URL',
      { DATABASE_URL: [{ at: 18, before: 'localhost:5437', after: 'vrooli-postgres-orders:5432' }] },
    ],
    [
      'a separate host and port',
      { PGHOST: 'localhost', PGPORT: '5437', PGUSER: 'u' },
      'PGHOST',
      {
        PGHOST: [{ at: 0, before: 'localhost', after: 'vrooli-postgres-orders' }],
        PGPORT: [{ at: 0, before: '5437', after: '5432' }],
      },
    ],
    [
      'a host without a port',
      { DB_HOST: '172.18.0.9' },
      'DB_HOST',
      { DB_HOST: [{ at: 0, before: '172.18.0.9', after: 'vrooli-postgres-orders' }] },
    ],
    [
      'a host with a port',
      { DB_HOST: 'localhost:5437' },
      'DB_HOST',
      { DB_HOST: [{ at: 0, before: 'localhost:5437', after: 'vrooli-postgres-orders:5432' }] },
    ],
  ] as const)('is %s', ([, env, source, edits]) => expect(ask(env, [], source)).toEqual(edits));

  it.for([
    ['on its command line', {}, ['pgweb', '--host', 'localhost', '--port', '5437'], 'command line'],
    ['as a parameter of a URL', { URL: 'postgres://u@localhost/x?host=127.0.0.1&port=5437' }, [], 'URL'],
    ['as keywords', { DSN: 'host=localhost port=5437 dbname=x' }, [], 'DSN'],
  ] as const)('is unsupported %s', ([, env, command, source]) => expect(ask(env, command, source)).toBeUndefined());

  it('keeps user, password and database as they were, and shows none of them', () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9]{7,20}$/);
    fc.assert(
      fc.property(word, word, word, (user, password, database) => {
        const url = `postgres://${user}:${password}@localhost:5437/${database}`;
        const edits = ask({ URL: url }, [], 'URL');
        expect(edits?.['URL']).toHaveLength(1);
        expect(JSON.stringify(edits)).not.toContain(password);
        const { at, before, after } = edits?.['URL']?.[0] ?? { at: 0, before: '', after: '' };
        expect(url.slice(0, at) + after + url.slice(at + before.length)).toBe(
          `postgres://${user}:${password}@vrooli-postgres-orders:5432/${database}`,
        );
      }),
    );
  });
});

function ask(env: Readonly<Record<string, string>>, command: readonly string[], source: string) {
  const container = { env, command, entrypoint: [] as readonly string[] };
  const address = addressesOf(container).find((one) => one.source === source);
  if (address === undefined) throw new Error(`nothing was read from ${source}`);
  return envEdits(container satisfies Pick<Container, 'env' | 'command' | 'entrypoint'>, address, place);
}
