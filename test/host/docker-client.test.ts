import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { engineAddress, engineEnvironment } from '../../src/host/docker/address.ts';
import { readDocker, statsOf } from '../../src/host/docker/read.ts';
import { type ChangingEngine, openEngine, type ReadingEngine } from '../../src/host/docker/client.ts';

describe('openEngine', () => {
  let folder: string;
  let servers: Server[];
  let requests: string[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'problems-client-'));
    servers = [];
    requests = [];
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    await rm(folder, { recursive: true });
  });

  /** An HTTP server on a socket, and clients of it. */
  async function serve(
    answer: (request: IncomingMessage, response: ServerResponse) => unknown,
    signal = new AbortController().signal,
  ): Promise<{ readonly reading: ReadingEngine; readonly changing: ChangingEngine; readonly server: Server }> {
    const server = createServer((request, response) => {
      requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
      void answer(request, response);
    });
    servers.push(server);
    const socket = join(folder, 'engine.sock');
    server.listen(socket);
    await once(server, 'listening');
    vi.stubEnv('DOCKER_HOST', `unix://${socket}`);
    return { ...openEngine(signal), server };
  }

  it('gives readers a client that sends only GET', async () => {
    const { reading } = await serve((_, response) => response.end('{}'));
    expect(Object.keys(reading).sort()).toEqual(['address', 'get', 'hostname', 'local', 'openAnswer']);
    const disguised = { path: '/containers/a/stop', method: 'POST', body: { a: 1 } };
    expect(await reading.get({ ...disguised, query: { q: 'a b&c' } })).toMatchObject({ status: 200 });
    (await reading.openAnswer(disguised)).destroy();
    expect(requests).toEqual(['GET /containers/a/stop?q=a+b%26c', 'GET /containers/a/stop']);
  });

  it('follows events as they come, also when a line comes in two pieces', async () => {
    const event = (action: string, seconds: number): string =>
      `${JSON.stringify({ Type: 'container', Action: action, Actor: { ID: 'c1' }, timeNano: seconds * 1e9 })}\n`;
    const { reading } = await serve((_, response) => {
      const text = event('die', 1) + event('exec_start: sh', 2) + event('start', 3);
      response.write(text.slice(0, 30));
      setTimeout(() => response.end(text.slice(30)), 20);
    });
    const seen: string[] = [];
    const following = readDocker(reading).follow(
      { since: '1970-01-01T00:00:00.500Z', signal: new AbortController().signal },
      ({ action, at, actor }) => seen.push(`${at} ${actor} ${action}`),
    );
    await expect(following).rejects.toMatchObject({ code: 'engine-unreachable' });
    expect(seen).toEqual(['1970-01-01T00:00:01.000Z c1 die', '1970-01-01T00:00:03.000Z c1 start']);
    expect(requests[0]).toMatch(/^GET \/events\?since=0\.500&filters=/);
  });

  it('uses the engine that is chosen, and TLS if certificates are', async () => {
    const chosen = engineAddress(engineEnvironment({ host: 'tcp://db-2.example:2375' }));
    expect(await chosen.connection()).toMatchObject({ secure: false, options: { host: 'db-2.example', port: '2375' } });
    vi.stubEnv('DOCKER_TLS_VERIFY', '1');
    expect(await chosen.connection()).toMatchObject({ secure: false });
    const secure = engineAddress(engineEnvironment({ host: 'tcp://db-2.example:2375', certificates: folder }));
    await expect(secure.connection()).rejects.toMatchObject({
      code: 'bad-usage',
      message: expect.stringMatching(/ca\.pem/),
    });
  });

  it('counts memory as docker stats does, for both versions of control groups', () => {
    const stats = (counters: object) =>
      statsOf({ memory_stats: { usage: 1_000, limit: 5_000, stats: { ...counters } } });
    expect(stats({ inactive_file: 400 })).toEqual({ memory: 600, memoryLimit: 5_000 });
    expect(stats({ total_inactive_file: 300 })).toEqual({ memory: 700, memoryLimit: 5_000 });
    expect(statsOf({ memory_stats: {} })).toBeUndefined();
  });

  it('sends a body as JSON with POST', async () => {
    const { changing } = await serve((request, response) => request.pipe(response.setHeader('a', 'b')));
    const reply = await changing.post({ path: '/containers/create', body: { Image: 'é' } });
    expect(reply.body.toString()).toBe('{"Image":"é"}');
    expect((await changing.post({ path: '/a' })).body.toString()).toBe('{}');
  });

  it('rejects if the engine does not answer, or does not finish its answer, in time', async () => {
    const { reading } = await serve((request, response) => {
      if (request.url === '/begun') response.write('{');
    });
    for (const path of ['/silent', '/begun'])
      await expect(reading.get({ path, timeoutMs: 200 })).rejects.toMatchObject({
        code: 'engine-unreachable',
        message: expect.stringContaining('did not answer within 0.2 s'),
      });
  });

  it('refuses an answer over the limit without reading all of it', async () => {
    let sent = 0;
    const { reading } = await serve(async (_, response) => {
      for (; sent < 2_000 && !response.destroyed; sent += 1) {
        response.write(Buffer.alloc(2 ** 16));
        await sleep(0);
      }
    });
    await expect(reading.get({ path: '/logs', maxBytes: 2 ** 17 })).rejects.toMatchObject({
      code: 'engine-refused',
      message: "The Docker Engine's answer to /logs exceeds 131072 bytes.",
    });
    await sleep(200);
    expect(sent).toBeLessThan(2_000);
  });

  it('follows no redirect', async () => {
    const { reading } = await serve((_, response) => response.writeHead(301, { location: '/elsewhere' }).end());
    expect(await reading.get({ path: '/containers/../json' })).toMatchObject({ status: 301 });
    expect(requests).toEqual(['GET /containers/../json']);
  });

  it('distinguishes an engine that fails one request from an engine that fails all of them', async () => {
    let pings = 200;
    const { reading } = await serve((request, response) =>
      response.writeHead(request.url === '/_ping' ? pings : 500).end('{"message":"port is already allocated"}'),
    );
    expect(await reading.get({ path: '/a' })).toMatchObject({ status: 500 });
    pings = 503;
    await expect(reading.get({ path: '/a' })).rejects.toMatchObject({ code: 'engine-unreachable' });
  });

  it('reports that nothing listens on the socket', async () => {
    vi.stubEnv('DOCKER_HOST', 'unix:///nowhere/engine.sock');
    await expect(openEngine(new AbortController().signal).reading.get({ path: '/info' })).rejects.toMatchObject({
      code: 'engine-unreachable',
      message: expect.stringMatching(
        /^The Docker Engine at unix:\/\/\/nowhere\/engine.sock cannot be reached: .*ENOENT/,
      ),
    });
  });

  it('aborts all requests with its signal, except those that clean up', async () => {
    const stop = new AbortController();
    const { changing } = await serve((request, response) => {
      if (request.method === 'DELETE') response.end();
    }, stop.signal);
    const asking = changing.get({ path: '/silent' });
    setTimeout(() => stop.abort(new Error('Ctrl-C')), 100);
    await expect(asking).rejects.toThrow('Ctrl-C');
    await expect(changing.delete({ path: '/containers/a' })).rejects.toThrow('Ctrl-C');
    expect(await changing.delete({ path: '/containers/a', isCleanup: true })).toMatchObject({ status: 200 });
    expect(requests).toEqual(['GET /silent', 'DELETE /containers/a']);
  });

  it('reports that a long request was accepted before it is answered', async () => {
    const { changing } = await serve(async (_, response) => {
      response.flushHeaders();
      await sleep(300);
      response.end('{"StatusCode":7}');
    });
    const { accepted, reply } = changing.startPost({ path: '/containers/a/wait' });
    const first = await Promise.race([accepted.then(() => 'accepted'), reply.then(() => 'answered')]);
    expect(first).toBe('accepted');
    expect((await reply).body.toString()).toBe('{"StatusCode":7}');
  });

  describe('openStream', () => {
    async function serveStream(onStream: (stream: Duplex) => void): Promise<ChangingEngine> {
      const { changing, server } = await serve((_, response) =>
        response.writeHead(409).end('{"message":"container a is not running"}'),
      );
      server.on('upgrade', (_, stream: Duplex) => {
        // Data that arrives with the headers belongs to the stream as well.
        stream.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nfirst ');
        stream.on('error', () => undefined);
        onStream(stream);
      });
      return changing;
    }

    it('carries bytes in both directions until the engine ends it', async () => {
      const changing = await serveStream((stream) => stream.pipe(stream));
      const stream = await changing.openStream({ path: '/exec/a/start' });
      stream.end('then this');
      let text = '';
      for await (const chunk of stream) text += String(chunk);
      expect(text).toBe('first then this');
    });

    it('is destroyed at its timeout and on abort', async () => {
      const changing = await serveStream(() => undefined);
      const late = await changing.openStream({ path: '/exec/a/start', timeoutMs: 200 });
      expect(await once(late.resume(), 'error')).toMatchObject([{ message: 'did not finish within 0.2 s' }]);
      const stop = new AbortController();
      const stopped = await changing.openStream({ path: '/exec/a/start', signal: stop.signal });
      setTimeout(() => stop.abort(), 50);
      expect(await once(stopped.resume(), 'error')).toMatchObject([{ message: 'stopped before the end' }]);
    });

    it("throws the engine's message if the engine opens no stream", async () => {
      const { changing } = await serve((_, response) =>
        response.writeHead(409).end('{"message":"container a is not running"}'),
      );
      await expect(changing.openStream({ path: '/exec/a/start' })).rejects.toMatchObject({
        code: 'engine-refused',
        message: 'open a stream for /exec/a/start: container a is not running',
      });
    });
  });

  describe.skipIf(!hasOpenssl())('over TLS', () => {
    /** A certificate authority, a server on 127.0.0.1 that it vouches for and that asks for certificates. */
    async function serveSecurely(): Promise<string> {
      openssl(
        'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=authority -keyout ca-key.pem -out ca.pem',
      );
      await writeFile(join(folder, 'names'), 'subjectAltName=IP:127.0.0.1');
      for (const name of ['server-', '']) {
        openssl(
          `req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=${name}end -keyout ${name}key.pem -out request.pem`,
        );
        const by = '-CA ca.pem -CAkey ca-key.pem -CAcreateserial -extfile names';
        openssl(`x509 -req -days 2 -in request.pem ${by} -out ${name}cert.pem`);
      }
      const [ca, cert, key] = await Promise.all(
        ['ca.pem', 'server-cert.pem', 'server-key.pem'].map(async (name) => readFile(join(folder, name))),
      );
      const server = createSecureServer({ ca, cert, key, requestCert: true, rejectUnauthorized: true }, (_, response) =>
        response.end('{"ok":true}'),
      );
      servers.push(server);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      return `tcp://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`;
    }

    function openssl(words: string): void {
      execFileSync('openssl', words.split(' '), { cwd: folder, stdio: 'ignore' });
    }

    it('sends its client certificate, and trusts only the authority of DOCKER_CERT_PATH', async () => {
      vi.stubEnv('DOCKER_HOST', await serveSecurely());
      vi.stubEnv('DOCKER_TLS_VERIFY', '1');
      vi.stubEnv('DOCKER_CERT_PATH', folder);
      const trusted = openEngine(new AbortController().signal).reading;
      expect((await trusted.get({ path: '/info' })).body.toString()).toBe('{"ok":true}');
      vi.stubEnv('DOCKER_CERT_PATH', '');
      await expect(openEngine(new AbortController().signal).reading.get({ path: '/info' })).rejects.toMatchObject({
        code: 'engine-unreachable',
        message: expect.stringContaining('certificate'),
      });
    });
  });
});

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
