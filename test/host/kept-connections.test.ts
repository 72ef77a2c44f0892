import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, type TestContext } from 'vitest';
import { openEngine } from '../../src/host/docker/client.ts';
import { readFiles } from '../../src/host/files/files.ts';
import type { Instance } from '../../src/host/instance.ts';
import type { Connection } from '../../src/host/postgres/client.ts';
import { openCredentials } from '../../src/host/postgres/credentials.ts';
import { keepConnections } from '../../src/host/postgres/kept-connections.ts';
import { openSql } from '../../src/host/postgres/sql.ts';
import { createTestHost } from '../../src/testing/index.ts';

/** What the server does with a statement: answers, refuses, says nothing, or ends the connection. */
type Manner = 'answer' | 'refuse' | 'hang' | 'end';

interface Served {
  readonly port: number;
  /** What each connection was asked, in order. */
  readonly asked: readonly string[][];
  /** How many connections are open. */
  open(): number;
  endAll(): void;
}

/** Speaks as much of the protocol as a driver needs to log in and to ask. */
async function serve(
  test: TestContext,
  manners: Readonly<Record<string, Manner>> = {},
  { slots = 10 } = {},
): Promise<Served> {
  const asked: string[][] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    if (sockets.size >= slots) {
      socket.once('data', () => socket.end(message('E', noSlot)));
      return;
    }
    const statements: string[] = [];
    asked.push(statements);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(Buffer.concat([message('R', number(0)), message('K', Buffer.alloc(8, 1)), ready]));
      socket.on('data', (chunk) => answer(socket, chunk, statements, manners));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endAll = (): void => sockets.forEach((socket) => socket.destroy());
  test.onTestFinished(() => {
    endAll();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, asked, open: () => sockets.size, endAll };
}

function answer(socket: Socket, chunk: Buffer, asked: string[], manners: Readonly<Record<string, Manner>>): void {
  for (let at = 0; at < chunk.length;) {
    const type = String.fromCharCode(chunk[at] ?? 0);
    const end = at + 1 + chunk.readInt32BE(at + 1);
    // A simple query, or the parse of an extended one, whose name is empty.
    const text = chunk.subarray(type === 'P' ? at + 6 : at + 5, end).toString();
    at = end;
    if (type !== 'Q' && type !== 'P') continue;
    const statement = text.slice(0, text.indexOf('\0'));
    asked.push(statement);
    const manner = manners[Object.keys(manners).find((part) => statement.includes(part)) ?? ''] ?? 'answer';
    const done = type === 'P' ? [message('1'), message('2'), message('n')] : [];
    if (manner === 'end') socket.destroy();
    else if (manner === 'refuse') socket.write(Buffer.concat([message('E', fields), ready]));
    else if (manner === 'answer')
      socket.write(Buffer.concat([...done, message('C', Buffer.from('SELECT 0\0')), ready]));
  }
}

function message(type: string, body: Uint8Array = new Uint8Array()): Buffer {
  return Buffer.concat([Buffer.from(type), number(body.length + 4), body]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

const ready = message('Z', Buffer.from('I'));

const noSlot = Buffer.from('SFATAL\0C53300\0Msorry, too many clients already\0\0');

const fields = Buffer.from('SERROR\0C42501\0Mpermission denied\0\0');

async function instanceOn({ port }: Served): Promise<Instance> {
  const bound = { containerPort: 5432, protocol: 'tcp', hostIp: '127.0.0.1', hostPort: String(port) };
  const { reader } = createTestHost({
    instances: [{ name: 'orders', container: { portBindings: [bound], publishedPorts: [bound] } }],
  });
  const [orders] = await reader.instances();
  if (orders === undefined) throw new Error('no instance');
  return orders;
}

function sharing({ idleMs = 5_000 } = {}) {
  const { signal } = new AbortController();
  const shared = keepConnections<Connection>({ idleMs, most: 2 });
  const slots = keepConnections<Connection>({ idleMs, most: 1, makesWay: false });
  const credentials = openCredentials({ files: readFiles([]), engine: { local: true, hostname: 'localhost' } });
  const engine = openEngine(signal).changing;
  return {
    shared,
    ...openSql({ engine, credentials, signal, slots, shared }),
    later: openSql({ engine, credentials, signal, slots }),
  };
}

function statementsOf(asked: readonly string[]): readonly string[] {
  return asked.filter((text) => !/^(?:BEGIN|SET|ROLLBACK|DISCARD)/.test(text));
}

describe('the questions of a round', () => {
  it('go over one connection, each in a transaction that ends, and leave nothing to the next', async (test) => {
    const server = await serve(test);
    const orders = await instanceOn(server);
    const { reader, shared } = sharing();
    for (const sql of ['SELECT 1', 'SELECT 2', 'SELECT 3']) await reader.query(orders, sql);
    expect(server.asked).toHaveLength(1);
    expect(server.asked[0]?.map((text) => text.replace(/;.*/s, '').replace(/^SELECT \*.*\((.*)\n.*/s, '$1'))).toEqual(
      ['SELECT 1', 'SELECT 2', 'SELECT 3'].flatMap((sql) => [
        'BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY',
        sql,
        'ROLLBACK',
        'DISCARD ALL',
      ]),
    );
    await shared.close();
    await expect.poll(() => server.open()).toBe(0);
  });

  it('keep the connection after a refusal of the server, which ends only its own transaction', async (test) => {
    const server = await serve(test, { secret: 'refuse' });
    const orders = await instanceOn(server);
    const { reader, shared } = sharing();
    expect(await reader.query(orders, 'TABLE secret')).toMatchObject({ ok: false, sqlstate: '42501' });
    expect(await reader.query(orders, 'SELECT 1')).toMatchObject({ ok: true });
    expect(server.asked).toHaveLength(1);
    await shared.close();
  });

  it.for([
    ['was not answered in time', 'hang'],
    ['ended it', 'end'],
  ] as const)('never use a connection again if a question %s', async ([, manner], test) => {
    const server = await serve(test, { slow: manner });
    const orders = await instanceOn(server);
    const { reader, shared } = sharing();
    expect(await reader.query(orders, 'SELECT 1')).toMatchObject({ ok: true });
    expect(await reader.query(orders, 'SELECT slow', { timeoutMs: 200 })).toMatchObject({ ok: false });
    expect(await reader.query(orders, 'SELECT 2')).toMatchObject({ ok: true });
    const [first, ...others] = server.asked.map(statementsOf);
    expect(first?.at(-1)).toContain('slow');
    expect(others.at(-1)?.at(-1)).toContain('SELECT 2');
    await shared.close();
  });

  it('do not keep a connection that could not be reset', async (test) => {
    const server = await serve(test, { 'DISCARD ALL': 'refuse' });
    const orders = await instanceOn(server);
    const { reader } = sharing();
    for (const sql of ['SELECT 1', 'SELECT 2']) expect(await reader.query(orders, sql)).toMatchObject({ ok: true });
    expect(server.asked).toHaveLength(2);
    await expect.poll(() => server.open()).toBe(0);
  });

  it('connect again if the server has ended the kept connection', async (test) => {
    const server = await serve(test);
    const orders = await instanceOn(server);
    const { reader, shared } = sharing();
    await reader.query(orders, 'SELECT 1');
    server.endAll();
    await sleep(50);
    expect(await reader.query(orders, 'SELECT 2')).toMatchObject({ ok: true });
    expect(server.asked).toHaveLength(2);
    await shared.close();
  });

  it('take two slots of a server at most: the first database and one other', async (test) => {
    const server = await serve(test);
    const orders = await instanceOn(server);
    const { reader, shared } = sharing();
    for (const database of ['orders', 'audit', 'orders', 'mail', 'orders', 'mail'])
      await reader.query(orders, 'SELECT 1', { database });
    expect(server.asked.map((asked) => statementsOf(asked).length)).toEqual([3, 1, 2]);
    expect(server.open()).toBe(2);
    await shared.close();
  });

  it('release the slot of another database if the server has none left', async (test) => {
    const server = await serve(test, {}, { slots: 1 });
    const orders = await instanceOn(server);
    const { reader, shared } = sharing();
    for (const database of ['orders', 'audit', 'orders'])
      expect(await reader.query(orders, 'SELECT 1', { database })).toMatchObject({ ok: true });
    expect(server.open()).toBe(1);
    await shared.close();
  });

  it('release a connection that nobody has used for a while', async (test) => {
    const server = await serve(test);
    const { reader } = sharing({ idleMs: 100 });
    await reader.query(await instanceOn(server), 'SELECT 1');
    await expect.poll(() => server.open()).toBe(0);
  });

  it('use a connection of their own if they ask for a certain way to the server', async (test) => {
    const server = await serve(test);
    const orders = await instanceOn(server);
    const { reader, shared } = sharing();
    await reader.query(orders, 'SELECT 1');
    await reader.query(orders, 'SELECT 2', { via: 'published' });
    expect(server.asked).toHaveLength(2);
    expect(server.open()).toBe(1);
    await shared.close();
  });
});

describe('a slot that was taken', () => {
  it('serves later questions and changes of every reader of the host', async (test) => {
    const server = await serve(test);
    const orders = await instanceOn(server);
    const { changer, later } = sharing();
    expect(await changer.takeSlot(orders, { patienceMs: 1_000 })).toMatchObject({ ok: true, via: 'published' });
    expect(await later.reader.query(orders, 'SELECT 1')).toMatchObject({ ok: true });
    expect(await later.changer.execute(orders, 'ALTER ROLE app RESET ALL')).toMatchObject({ ok: true });
    expect(await later.reader.query(orders, 'SELECT 2')).toMatchObject({ ok: true });
    expect(server.asked).toHaveLength(1);
    expect(server.open()).toBe(1);
    server.endAll();
  });

  it('says that the outcome is unknown if it is lost while a change runs', async (test) => {
    const server = await serve(test, { ALTER: 'end' });
    const orders = await instanceOn(server);
    const { changer, later } = sharing();
    await changer.takeSlot(orders, { patienceMs: 1_000 });
    const answered = await later.changer.execute(orders, 'ALTER ROLE app RESET ALL');
    expect(answered).toMatchObject({ ok: false, message: expect.stringContaining('outcome unknown') });
    expect(server.asked).toHaveLength(1);
  });
});
