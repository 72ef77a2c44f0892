import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it, type TestContext } from 'vitest';
import { type Login, queryOver } from '../../src/host/postgres/client.ts';

/** A server that answers a login as it likes. Collects what it receives. */
async function serve(test: TestContext, answer: (socket: Socket) => void): Promise<Login & { received: () => Buffer }> {
  const chunks: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.once('data', () => answer(socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const login = { host: '127.0.0.1', port, user: 'app', password: 'hidden-word', database: 'app' };
  return { ...login, received: () => Buffer.concat(chunks) };
}

function message(type: string, body: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

const question = { sql: 'SELECT 1', values: [], timeoutMs: 3_000, readOnly: true };

describe('a server that is a stranger', () => {
  it.for([
    ['an authentication message of six bytes', message('R', Buffer.from([0]))],
    ['an error without an end', message('E', Buffer.from('SFATAL'))],
    ['an error whose last field has no end', message('E', Buffer.from('SFATAL\0Mno'))],
    ['a notice without the byte that ends it', message('N', Buffer.from('SNOTICE\0'))],
    ['a row description that promises more than it holds', message('T', Buffer.from([0, 9, 65, 0]))],
    ['a parameter without an end', message('S', Buffer.from('x\0y'))],
    ['a command without an end', message('C', Buffer.from('SELECT'))],
    ['a notification without an end', message('A', Buffer.from([0, 0, 0, 1, 65]))],
    ['mechanisms without an end', message('R', Buffer.from([0, 0, 0, 10, 83, 67]))],
    ['a message with a negative length', Buffer.from([0x52, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])],
    ['what is no message at all', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ] as const)('ends only its own connection with %s', async ([, bytes], test) => {
    const login = await serve(test, (socket) => socket.end(bytes));
    expect(await queryOver(login, question, 'network')).toMatchObject({ ok: false });
  });

  it('gets no password in clear text, whatever it asks for', async (test) => {
    const login = await serve(test, (socket) => socket.write(message('R', number(3))));
    expect(await queryOver(login, question, 'network')).toMatchObject({
      ok: false,
      message: 'The server asks for the password in clear text, so it was not sent.',
    });
    expect(login.received().toString('latin1')).not.toContain('hidden-word');
  });

  it('may not send without end', async (test) => {
    const login = await serve(test, (socket) => {
      // A notice of half a MiB, again and again.
      const notice = message('N', Buffer.concat([Buffer.from(`M${'x'.repeat(2 ** 19)}`), Buffer.alloc(2)]));
      const flood = (error?: Error | null): void => {
        // A stream that has failed queues what is written in its callbacks, without end.
        if (error === undefined || error === null) socket.write(notice, flood);
      };
      // After the login, for which the time is short.
      socket.write(Buffer.concat([message('R', number(0)), message('Z', Buffer.from('I'))]), flood);
    });
    expect(await queryOver(login, { ...question, timeoutMs: 30_000 }, 'network')).toMatchObject({
      ok: false,
      message: 'The server has sent more than 64 MiB.',
    });
  });

  it('may not announce a message that no answer of ours needs', async (test) => {
    const login = await serve(test, (socket) => socket.write(Buffer.from([0x44, 0x7f, 0xff, 0xff, 0xff])));
    expect(await queryOver(login, question, 'network')).toMatchObject({
      ok: false,
      message: 'The server sent a message of 2147483647 bytes.',
    });
  });
});
