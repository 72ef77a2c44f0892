import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it, type TestContext } from 'vitest';
import { authenticationCheck } from '../../src/host/postgres/authentication.ts';
import { type Login, queryOver } from '../../src/host/postgres/client.ts';
import { openSessionOver } from '../../src/host/postgres/session.ts';

/** An authentication message with this code. */
function request(code: number, more: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.write('R');
  head.writeInt32BE(8 + more.length, 1);
  head.writeInt32BE(code, 5);
  return Buffer.concat([head, more]);
}

const askMd5 = request(5, Buffer.from([1, 2, 3, 4]));
const askScram = request(10, Buffer.from('SCRAM-SHA-256\0\0'));

/** Answers each message of the client with the next of these; keeps what it receives after the startup message. */
async function serve(
  test: TestContext,
  answers: readonly ((received: string) => Uint8Array)[],
): Promise<Login & { readonly received: () => string }> {
  const chunks: Buffer[] = [];
  function answer(socket: Socket): void {
    let turn = 0;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      if (turn > 0) chunks.push(chunk);
      const next = answers[turn];
      turn += 1;
      if (next !== undefined) socket.write(next(chunk.toString('latin1')));
    });
  }
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const login = { host: '127.0.0.1', port, user: 'app', password: 'hidden-word', database: 'app' };
  return { ...login, received: () => Buffer.concat(chunks).toString('latin1') };
}

const question = { sql: 'SELECT 1', values: [], timeoutMs: 1_500, readOnly: true };

describe('a server that asks for a password', () => {
  it('gets no MD5 hash of it, by a query or by a session', async (test) => {
    const server = await serve(test, [() => askMd5]);
    expect(await queryOver(server, question, 'published')).toMatchObject({
      ok: false,
      message: expect.stringContaining('add the instance to remediation.md5 in the config'),
    });
    expect(await openSessionOver(server, { application: 'test', silenceMs: 1_000 }, 'published')).toMatchObject({
      ok: false,
      message: expect.stringContaining('asks for an MD5 hash of the password, so it was not sent'),
    });
    expect(server.received()).toBe('');
  });

  it('gets an MD5 hash if the config allows it for the instance', async (test) => {
    const server = await serve(test, [() => askMd5]);
    await queryOver({ ...server, md5: true }, question, 'published');
    expect(server.received()).toMatch(/^p....md5[0-9a-f]{32}\0/s);
  });

  it('is told nothing if no password is known for it', async (test) => {
    for (const ask of [askMd5, askScram]) {
      const server = await serve(test, [() => ask]);
      expect(await queryOver({ ...server, password: undefined, md5: true }, question, 'published')).toMatchObject({
        ok: false,
        message: 'The server asks for a password, and none is known for it.',
      });
      expect(server.received()).toBe('');
    }
  });

  it('cannot ask for something weaker after SCRAM has begun', async (test) => {
    for (const weaker of [askMd5, request(3)]) {
      const server = await serve(test, [() => askScram, () => weaker]);
      expect(await queryOver({ ...server, md5: true }, question, 'published')).toMatchObject({ ok: false });
      expect(server.received()).toContain('SCRAM-SHA-256');
      expect(server.received()).not.toMatch(/md5|hidden-word/);
    }
  });

  it('must prove that it knows the password before the login counts', async (test) => {
    const server = await serve(test, [
      () => askScram,
      (first) => {
        const nonce = /r=([\w+/=]+)/.exec(first)?.[1] ?? '';
        return request(11, Buffer.from(`r=${nonce}more,s=c2FsdA==,i=4096`));
      },
      () => Buffer.concat([request(0), Buffer.from([0x5a, 0, 0, 0, 5, 0x49])]),
    ]);
    expect(await queryOver(server, question, 'published')).toMatchObject({
      ok: false,
      message: 'The server sent an authentication message out of turn.',
      sent: false,
    });
    expect(server.received()).not.toContain('SELECT');
  });
});

describe('a count of iterations of SCRAM', () => {
  it.for<readonly [message: string, md5: boolean, fault: RegExp | undefined]>([
    ['r=a,s=b,i=4096', false, undefined],
    ['r=a,s=b,i=1000000', false, undefined],
    ['r=a,s=b,i=4095', false, /asks for 4095 iterations .* guessed quickly, so nothing was sent/],
    ['r=a,s=b,i=1', false, /guessed quickly/],
    ['r=a,s=b,i=1', true, undefined],
    ['r=a,s=b,i=1000001', true, /too many/],
    ['r=a,s=b,i=99999999999999999999', false, /too many/],
    ['r=a,s=b,i=-4096', false, /without a count/],
    ['r=a,s=b', false, /without a count/],
  ])('of %j is judged; MD5 is allowed: %s', ([message, md5, fault]) => {
    const check = authenticationCheck({ hasPassword: true, md5 });
    expect(check(10, 'SCRAM-SHA-256\0\0')).toBeUndefined();
    const found = check(11, message);
    expect(found === undefined).toBe(fault === undefined);
    if (fault !== undefined) expect(found).toMatch(fault);
  });

  it('that is too small gets no proof of the password', async (test) => {
    const server = await serve(test, [
      () => askScram,
      (first) => request(11, Buffer.from(`r=${/r=([\w+/=]+)/.exec(first)?.[1] ?? ''}more,s=c2FsdA==,i=1`)),
    ]);
    expect(await queryOver(server, question, 'published')).toMatchObject({
      ok: false,
      message: expect.stringContaining('asks for 1 iterations of SCRAM'),
    });
    expect(server.received()).not.toContain('p=');
  });
});

describe('the order of authentication messages', () => {
  it.each<readonly [codes: readonly number[], isFine: boolean]>([
    [[0], true],
    [[10, 11, 12, 0], true],
    [[5, 0], true],
    [[3], false],
    [[0, 3], false],
    [[10, 3], false],
    [[10, 5], false],
    [[10, 10], false],
    [[10, 0], false],
    [[10, 11, 0], false],
    [[10, 12], false],
    [[11], false],
    [[12], false],
    [[0, 5], false],
    [[0, 10], false],
    [[2], false],
    [[7], false],
    [[9], false],
  ])('%j is accepted: %s', (sequence, isFine) => {
    const check = authenticationCheck({ hasPassword: true, md5: true });
    const faults = sequence.map((code) => check(code, code === 11 ? 'r=a,s=b,i=4096' : ''));
    expect(faults.slice(0, -1).every((fault) => fault === undefined)).toBe(true);
    expect(faults.at(-1) === undefined).toBe(isFine);
  });
});
