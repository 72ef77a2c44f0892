import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it, type TestContext } from 'vitest';
import { openEngine } from '../../src/host/docker/client.ts';
import { readFiles } from '../../src/host/files/files.ts';
import { openCredentials } from '../../src/host/postgres/credentials.ts';
import { keepConnections } from '../../src/host/postgres/kept-connections.ts';
import { openSql } from '../../src/host/postgres/sql.ts';
import { shareAnswers } from '../../src/host/shared-reader.ts';
import type { HostReader } from '../../src/host/types.ts';
import { createTestHost } from '../../src/testing/index.ts';

const loggedIn = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);

/** What a server does after the login, which it grants. */
const manners: Readonly<Record<string, (socket: Socket) => void>> = {
  'sends rows without end': (socket) => {
    const row = Buffer.concat([Buffer.from([0x44, 0, 8, 0, 4]), Buffer.alloc(2 ** 19)]);
    const send = (error?: Error | null): void => {
      if (error === undefined || error === null) socket.write(row, send);
    };
    send();
  },
  'speaks another protocol': (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
  'announces a message that never ends': (socket) => socket.write(Buffer.from([0x44, 0x7f, 0xff, 0xff, 0xff])),
};

async function serve(test: TestContext, manner: (socket: Socket) => void): Promise<{ port: number; count(): number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(loggedIn);
      socket.once('data', () => manner(socket));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.onTestFinished(() => void server.close());
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : 0, count: () => connections };
}

describe('a server that misbehaves', () => {
  it.for(Object.keys(manners))(
    'is asked once in a round, and takes neither time nor memory from it: %s',
    async (name, test) => {
      const server = await serve(test, manners[name] ?? (() => undefined));
      const bound = { containerPort: 5432, protocol: 'tcp', hostIp: '127.0.0.1', hostPort: String(server.port) };
      const host = createTestHost({
        instances: [{ name: 'orders', container: { portBindings: [bound], publishedPorts: [bound] } }],
      });
      const { signal } = new AbortController();
      const credentials = openCredentials({ files: readFiles([]), engine: { local: true, hostname: 'localhost' } });
      const { reader } = openSql({
        engine: openEngine(signal).changing,
        credentials,
        signal,
        slots: keepConnections({ idleMs: 1_000, most: 1, makesWay: false }),
      });
      const shared = shareAnswers<HostReader>({ ...host.reader, sql: reader });
      const [orders] = await shared.instances();
      if (orders === undefined) throw new Error('no instance');
      const before = process.memoryUsage().rss;
      for (const question of ['SELECT 1', 'SELECT 2', 'SELECT 3', 'SELECT 4'])
        expect(await shared.sql.query(orders, question, { via: 'published', timeoutMs: 20_000 })).toMatchObject({
          ok: false,
          misbehaves: true,
        });
      expect(server.count()).toBe(1);
      expect(process.memoryUsage().rss - before).toBeLessThan(400 * 2 ** 20);
    },
  );
});
