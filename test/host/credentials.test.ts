import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { containerOf } from '../../src/host/docker/shapes.ts';
import { readFiles } from '../../src/host/files/files.ts';
import type { Instance } from '../../src/host/instance.ts';
import { openCredentials } from '../../src/host/postgres/credentials.ts';
import { redactor } from '../../src/remediation/redact.ts';

describe('the redaction of known passwords', () => {
  it.each(['data', 'postgresql', 'container', 'password', 'orders', 'app', 'restart', 'orders-net'])(
    'keeps a password that is an ordinary word of plans: %s',
    async (password) => {
      const redact = await redactorFor(password);
      const plan = { mount: '/var/lib/postgresql/data', container: 'vrooli-postgres-orders', network: 'orders-net' };
      expect(redact.data(plan)).toEqual(plan);
      // A password in a context that marks it as one is always redacted.
      expect(redact.text(`postgres://app:${password}@orders/app`)).toBe('postgres://app:[redacted]@orders/app');
      expect(redact.text(`POSTGRES_PASSWORD=${password}`)).toBe('POSTGRES_PASSWORD=[redacted]');
      expect(redact.text(`ALTER ROLE app PASSWORD '${password}'`)).toBe('ALTER ROLE app PASSWORD [redacted]');
      expect(redact.data({ POSTGRES_PASSWORD: password })).toEqual({ POSTGRES_PASSWORD: '[redacted]' });
    },
  );

  it.each(['hunter2', 'data1', 'Postgresql', 'mydata', 'postgresql data', 'secret', 'changeme', 'dat4', 'lib/post'])(
    'redacts every other password everywhere: %s',
    async (password) => {
      const redact = await redactorFor(password);
      expect(redact.data({ command: ['psql', password], note: `it is ${password}.` })).toEqual({
        command: ['psql', '[redacted]'],
        note: 'it is [redacted].',
      });
    },
  );
});

const here = { local: true, hostname: 'localhost' };

async function redactorFor(password: string): Promise<ReturnType<typeof redactor>> {
  const folder = await mkdtemp(join(tmpdir(), 'problems-credentials-'));
  const passfile = join(folder, 'pgpass');
  await writeFile(passfile, '', { mode: 0o600 });
  const credentials = openCredentials({ files: readFiles([folder]), engine: here, passfile });
  expect(await credentials.passwords(instanceWith(password))).toEqual([password, undefined]);
  return redactor(() => credentials.seen());
}

function instanceWith(password: string): Instance {
  const container = containerOf({
    Id: 'f'.repeat(64),
    Name: '/vrooli-postgres-orders',
    Config: { Image: 'postgres:16-alpine', Env: [`POSTGRES_PASSWORD=${password}`] },
    Mounts: [{ Type: 'volume', Name: 'orders-volume', Destination: '/var/lib/postgresql/data', RW: true }],
    NetworkSettings: { Networks: { 'orders-net': { Aliases: ['pg-orders'] } } },
  });
  return {
    name: 'orders',
    container,
    user: 'app',
    database: 'app',
    port: 5432,
    dataDirectory: '/var/lib/postgresql/data',
    dataMount: container.mounts[0],
    volumeKey: 'volume:engine/orders-volume',
    folder: undefined,
    declared: {},
  };
}
