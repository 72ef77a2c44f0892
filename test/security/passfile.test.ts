import { chmod, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, type TestContext, vi } from 'vitest';
import { addressesOf } from '../../src/host/postgres/addresses.ts';
import { openEngine } from '../../src/host/docker/client.ts';
import { readFiles } from '../../src/host/files/files.ts';
import type { Instance } from '../../src/host/instance.ts';
import { type Login, queryOver } from '../../src/host/postgres/client.ts';
import { openSessionOver } from '../../src/host/postgres/session.ts';
import { type Credentials, openCredentials } from '../../src/host/postgres/credentials.ts';
import { passwordIn } from '../../src/host/postgres/passfile.ts';
import { keepConnections } from '../../src/host/postgres/kept-connections.ts';
import { openSql } from '../../src/host/postgres/sql.ts';
import { createTestHost } from '../../src/testing/index.ts';

const local = { local: true, hostname: 'localhost' };

async function written(text: string, mode = 0o600): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'problems-passfile-')), 'pgpass');
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

async function instanceOn(hostIp: string, hostPort: string): Promise<Instance> {
  const bound = { containerPort: 5432, protocol: 'tcp', hostIp, hostPort };
  const { reader } = createTestHost({
    instances: [
      {
        name: 'orders',
        container: {
          portBindings: [bound],
          publishedPorts: [bound],
          env: { POSTGRES_USER: 'app' },
          endpoints: [
            {
              network: 'shop',
              networkId: 'n',
              aliases: [],
              ipv4: '172.20.0.5',
              ipv6: '',
              staticIpv4: '',
              staticIpv6: '',
            },
          ],
        },
      },
    ],
  });
  const instance = await reader.instance('orders');
  if (instance === undefined) throw new Error('not found');
  return instance;
}

function credentialsWith(passfile: string, engine = local): Credentials {
  return openCredentials({ files: readFiles([]), engine, passfile });
}

/** A server that asks for a password with one message and keeps what it receives after the startup message. */
async function serve(test: TestContext, ask: Uint8Array): Promise<Login & { readonly received: () => string }> {
  const chunks: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(ask);
      socket.on('data', (chunk) => chunks.push(chunk));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const login = { host: '127.0.0.1', port, user: 'app', password: undefined, database: 'app' };
  return { ...login, received: () => Buffer.concat(chunks).toString('latin1') };
}

const askMd5 = Buffer.from([0x52, 0, 0, 0, 12, 0, 0, 0, 5, 1, 2, 3, 4]);

afterEach(() => vi.unstubAllEnvs());

describe('a line of the passfile', () => {
  const key = { host: 'db.example', port: 5432, database: 'a:b', user: String.raw`c\d` };
  it.each<readonly [line: string, password: string | undefined]>([
    [String.raw`db.example:5432:a\:b:c\\d:secret`, 'secret'],
    [String.raw`*:*:*:*:secret`, 'secret'],
    [String.raw`*:*:*:*:se\:cr\\et`, String.raw`se:cr\et`],
    [String.raw`*:*:*:*:secret:more`, 'secret'],
    ['*:*:*:*:secret\\', 'secret\\'],
    [String.raw`*:*:*:*:secret` + '\r', 'secret'],
    [String.raw`*:5433:*:*:other` + '\n*:*:*:*:secret', 'secret'],
    ['#*:*:*:*:other\n*:*:*:*:secret', 'secret'],
    ['\n\n*:*:*:*:secret', 'secret'],
    // The first line that fits decides, even without a password.
    ['*:*:*:*:\n*:*:*:*:secret', undefined],
    [String.raw`localhost:5432:*:*:other`, undefined],
    [String.raw`DB.example:5432:*:*:other`, undefined],
    [String.raw`db.exampl:5432:*:*:other`, undefined],
    [String.raw`db.*:5432:*:*:other`, undefined],
    [String.raw`\*:*:*:*:other`, undefined],
    [String.raw` *:*:*:*:other`, undefined],
    [String.raw`:*:*:*:other`, undefined],
    [String.raw`*:05432:*:*:other`, undefined],
    [String.raw`*:*:a:b:c\\d:other`, undefined],
    [String.raw`*:*:*:C\\d:other`, undefined],
    ['*:*:*:*', undefined],
  ])('is read as libpq reads it: %j', (line, password) => {
    expect(passwordIn(line, key)).toBe(password);
  });
});

const published = { hosts: ['127.0.0.1', 'localhost'], port: 5434 };

describe('a password of the passfile', () => {
  it.each<readonly [line: string, hostIp: string, isSent: boolean]>([
    ['localhost:5434:app:app:secret', '', true],
    ['127.0.0.1:5434:app:app:secret', '0.0.0.0', true],
    ['172.20.0.5:5432:app:app:secret', '', true],
    ['10.1.2.3:5434:app:app:secret', '10.1.2.3', true],
    ['db.internal:5434:app:app:other', '', false],
    ['db.internal:*:*:*:other', '', false],
    ['localhost:5432:app:app:other', '', false],
    ['172.20.0.5:5434:app:app:other', '', false],
    ['localhost:5434:app:app:other', '10.1.2.3', false],
    ['localhost:5434:other:app:other', '', false],
    ['localhost:5434:app:postgres:other', '', false],
  ])('is used for an instance only if its line names the server: %s', async (line, hostIp, isSent) => {
    const credentials = credentialsWith(await written(line));
    const instance = await instanceOn(hostIp, '5434');
    const sent = await Promise.all(
      addressesOf(instance, local).map(async (address) => credentials.passwords(instance, address)),
    );
    expect(sent.flat().filter((password) => password !== undefined)).toEqual(isSent ? ['secret'] : []);
    // A program in the container is not the server that the line names.
    expect(await credentials.passwords(instance)).toEqual([undefined]);
    expect(credentials.seen()).toEqual(isSent ? ['secret'] : []);
  });

  it('for localhost is not for an engine on another machine', async () => {
    const instance = await instanceOn('', '5434');
    const passfile = await written('localhost:5434:*:*:other\n127.0.0.1:*:*:*:other\nbuild-7:5434:*:*:secret');
    const remote = { local: false, hostname: 'build-7' };
    const credentials = credentialsWith(passfile, remote);
    const [published, ...more] = addressesOf(instance, remote);
    expect(more).toEqual([]);
    expect(await credentials.passwords(instance, published)).toEqual(['secret', undefined]);
  });

  it('goes to the address of its line, and not to another address of the instance', async () => {
    const instance = await instanceOn('', '5434');
    const credentials = credentialsWith(await written('localhost:5434:*:*:secret'));
    const network = { hosts: ['172.20.0.5'], port: 5432 };
    expect(await credentials.passwords(instance, network)).toEqual([undefined]);
    expect(await credentials.passwords(instance, published)).toEqual(['secret', undefined]);
  });

  it('is the only password that another role than the instance’s user can have', async () => {
    const found = await instanceOn('127.0.0.1', '5433');
    const env = { ...found.container.env, POSTGRES_PASSWORD: 'of-app' };
    const instance = { ...found, container: { ...found.container, env } };
    const credentials = credentialsWith(await written('*:*:*:migrator:of-migrator\n*:*:*:*:of-all\n'));
    const server = { hosts: ['127.0.0.1'], port: 5433 };
    expect(await credentials.passwords(instance, server)).toEqual(['of-app', 'of-all', undefined]);
    expect(await credentials.passwords(instance, { ...server, user: 'migrator' })).toEqual(['of-migrator', undefined]);
  });

  it('is not used if others may read the file, and a refused login says so', async () => {
    const instance = { ...(await instanceOn('', '5434')), identity: 'name' as const };
    for (const mode of [0o640, 0o604, 0o620, 0o601]) {
      const path = await written('*:*:*:*:secret', mode);
      const credentials = credentialsWith(path);
      expect(await credentials.passwords(instance, published)).toEqual([undefined]);
      expect(await credentials.withheld(instance)).toContain(`chmod 0600 ${path}`);
    }
  });

  it('is found through a link, and a folder in its place is no error', async () => {
    const instance = await instanceOn('', '5434');
    const path = await written('*:*:*:*:secret');
    await symlink(path, `${path}-link`);
    expect(await credentialsWith(`${path}-link`).passwords(instance, published)).toEqual(['secret', undefined]);
    expect(await credentialsWith(join(path, '..')).passwords(instance, published)).toEqual([undefined]);
  });
});

describe('PGPASSWORD', () => {
  it('is for an address that the user wrote down, and for no instance that was found', async () => {
    vi.stubEnv('PGPASSWORD', 'of-the-shell');
    const instance = await instanceOn('', '5434');
    const credentials = credentialsWith('/nonexistent');
    expect(await credentials.passwords(instance)).toEqual([undefined]);
    expect(await credentials.passwords(instance, published)).toEqual([undefined]);
    expect(await credentials.passwords(instance, { hosts: ['db'], port: 6432, chosen: true })).toEqual([
      'of-the-shell',
      undefined,
    ]);
    expect(credentials.seen()).toEqual(['of-the-shell']);
  });

  it.for(['PGPASSWORD', 'the passfile'])(
    'of the environment is not sent by the driver itself: %s',
    async (which, test) => {
      if (which === 'PGPASSWORD') vi.stubEnv('PGPASSWORD', 'of-the-shell');
      else vi.stubEnv('PGPASSFILE', await written('*:*:*:*:of-the-file'));
      const server = await serve(test, askMd5);
      const question = { sql: 'SELECT 1', values: [], timeoutMs: 1_500, readOnly: true };
      expect(await queryOver(server, question, 'published')).toMatchObject({ ok: false });
      const settings = { application: 'test', silenceMs: 1_000 };
      expect(await openSessionOver(server, settings, 'published')).toMatchObject({ ok: false });
      expect(server.received()).not.toContain('md5');
    },
  );

  it('is sent to no container that a scan has found', async (test) => {
    vi.stubEnv('PGPASSWORD', 'of-the-shell');
    vi.stubEnv('PGPASSFILE', await written('db.internal:*:*:*:of-the-file'));
    const server = await serve(test, askMd5);
    const { signal } = new AbortController();
    const credentials = openCredentials({ files: readFiles([]), engine: local });
    const { reader } = openSql({
      engine: openEngine(signal).changing,
      credentials,
      signal,
      slots: keepConnections({ idleMs: 1_000, most: 1, makesWay: false }),
    });
    const instance = await instanceOn('127.0.0.1', String(server.port));
    expect(await reader.query(instance, 'select 1', { via: 'published', timeoutMs: 1_500 })).toMatchObject({
      ok: false,
    });
    expect(server.received()).not.toContain('md5');
  });
});
