import { mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serveHttp } from '../../../src/service/http/serve-http.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { addToken } from '../../../src/service/tokens.ts';
import {
  findingOfFiles,
  runningService,
  scratchFolder,
  type ServedService,
  servedService,
  type ServiceOptions,
} from '../running-service.ts';

/** What a page of another site, a program without rights or a mistake sends. All over real connections. */

let served: ServedService | undefined;
afterEach(async () => {
  await served?.close();
  served = undefined;
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
}

/** Unlike `fetch` it sends any Host, and any path as it is. */
function send(
  url: string,
  path: string,
  { headers = {}, method = 'GET', body }: { headers?: Record<string, string>; method?: string; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const sent = httpRequest({ hostname, port, path, method, headers, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(parts).toString() }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function refusal(answer: Answer | Promise<Answer>): Promise<[number, string]> {
  const { status, text } = await answer;
  const { error } = JSON.parse(text) as { error: { code: string; message: string; hint: string | null } };
  expect(error.message).toMatch(/\w/);
  return [status, error.code];
}

async function start(options: Parameters<typeof servedService>[0] & ServiceOptions = {}): Promise<ServedService> {
  served = await servedService(options);
  return served;
}

describe('a request under another name', () => {
  it.each([
    ['evil.example', 403],
    ['127.0.0.1:1', 403],
    ['localhost.evil.example', 403],
    ['127.0.0.1:4817@evil.example', 400],
  ])('is refused: Host %j', async (host, status) => {
    const { http, tokens } = await start();
    const headers = { host, authorization: `Bearer ${tokens.approve}` };
    for (const path of ['/api/v1/view', '/healthz', '/', '/metrics'])
      expect((await send(http.url, path, { headers })).status, path).toBe(status);
  });

  it('is answered under our own names', async () => {
    const { http } = await start();
    const { port } = new URL(http.url);
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`, `LOCALHOST:${port}`])
      expect((await send(http.url, '/healthz', { headers: { host } })).status, host).toBe(200);
  });

  it('is refused from a page of another site, also if it only reads', async () => {
    const { http, tokens } = await start();
    const authorization = `Bearer ${tokens.approve}`;
    const port = new URL(http.url).port;
    for (const origin of ['https://evil.example', 'null', `https://127.0.0.1:${port}`, 'http://localhost', 'x'])
      expect(await refusal(send(http.url, '/api/v1/view', { headers: { authorization, origin } })), origin).toEqual([
        403,
        'forbidden',
      ]);
    const own = await send(http.url, '/api/v1/session', { headers: { authorization, origin: http.url } });
    expect(own.status).toBe(200);
    expect(own.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('gets no permission to send more', async () => {
    const { http } = await start();
    const preflight = await send(http.url, '/api/v1/pause', {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-headers': 'x-problems-csrf' },
    });
    expect(preflight.status).toBe(403);
  });
});

describe('a request without the right', () => {
  it('is refused without a token, and with one that is not known', async () => {
    const { http } = await start();
    for (const path of ['/api/v1/view', '/api/v1/events', '/openapi.json', '/api/v1/runs/r1'])
      expect(await refusal(send(http.url, path)), path).toEqual([401, 'not-signed-in']);
    const headers = { authorization: 'Bearer problems_wrong' };
    expect(await refusal(send(http.url, '/api/v1/view', { headers }))).toEqual([401, 'not-signed-in']);
    for (const path of ['/healthz', '/readyz']) expect((await send(http.url, path)).status).toBe(200);
  });

  it('is refused with a smaller scope', async () => {
    const { ask } = await start();
    const digest = 'a'.repeat(64);
    const tries = [
      ['read', '/api/v1/rounds', {}],
      ['read', '/api/v1/remediations', { finding: findingOfFiles, reason: 'x' }],
      ['request', '/api/v1/runs/r1/approve', { planDigest: digest }],
      ['request', '/api/v1/runs/r1/rollback', {}],
      ['request', '/api/v1/runs/r1/refuse', { reason: 'x' }],
      ['request', '/api/v1/instances/local/orders/lift', {}],
      ['request', '/api/v1/pause', { paused: true }],
    ] as const;
    for (const [as, path, json] of tries) {
      const response = await ask(path, { as, json });
      expect(response.status, path).toBe(403);
      expect(await response.json()).toMatchObject({ error: { code: 'forbidden' } });
    }
  });

  it('is slowed down after ten wrong tokens, while known ones still work', async () => {
    const { http, ask } = await start();
    const headers = { authorization: 'Bearer problems_wrong' };
    const statuses = [];
    for (let tried = 0; tried < 11; tried++) statuses.push((await send(http.url, '/api/v1/view', { headers })).status);
    expect(statuses).toEqual([...Array<number>(10).fill(401), 429]);
    const login = await send(http.url, '/login', {
      method: 'POST',
      headers: { origin: http.url, 'content-type': 'application/json' },
      body: '{"token":"problems_wrong"}',
    });
    expect(login.status).toBe(429);
    expect(login.headers['retry-after']).toBe('60');
    expect((await ask('/api/v1/session')).status).toBe(200);
  });
});

describe('a browser', () => {
  async function signedIn(): Promise<{ readonly http: ServedService['http']; readonly cookie: string }> {
    const { http, tokens } = await start();
    const answer = await send(http.url, '/login', {
      method: 'POST',
      headers: { origin: http.url, 'content-type': 'application/x-www-form-urlencoded' },
      body: `token=${tokens.approve}`,
    });
    expect([answer.status, answer.headers['location']]).toEqual([303, '/']);
    const [set = ''] = answer.headers['set-cookie'] ?? [];
    expect(set).toMatch(/; HttpOnly/);
    expect(set).toMatch(/; SameSite=Strict/);
    return { http, cookie: set.split(';')[0] ?? '' };
  }

  it('changes nothing without the header that only our page sends', async () => {
    const { http, cookie } = await signedIn();
    const headers = { cookie, 'content-type': 'application/json', origin: http.url };
    const body = '{"paused":true,"reason":"x"}';
    const forged = { method: 'POST', headers, body };
    expect(await refusal(send(http.url, '/api/v1/pause', forged))).toEqual([403, 'forbidden']);
    expect(await refusal(send(http.url, '/logout', { method: 'POST', headers }))).toEqual([403, 'forbidden']);
    const own = { ...forged, headers: { ...headers, 'x-problems-csrf': '1' } };
    expect((await send(http.url, '/api/v1/pause', own)).status).toBe(200);
    expect((await send(http.url, '/api/v1/view', { headers: { cookie } })).status).toBe(200);
  });

  it('is not signed in by a form of another site, nor by one that hides where it is from', async () => {
    const { http, tokens } = await start();
    const body = `token=${tokens.read}`;
    for (const origin of ['https://evil.example', 'null', undefined]) {
      const headers = {
        'content-type': 'application/x-www-form-urlencoded',
        ...(origin === undefined ? {} : { origin }),
      };
      const answer = await send(http.url, '/login', { method: 'POST', headers, body });
      expect([answer.status, answer.headers['set-cookie']], origin).toEqual([403, undefined]);
    }
  });

  it('uses the one-time link once, and keeps a token of its own that logging out ends', async () => {
    const running = await runningService();
    const config = await loadConfig(running.folder, { trust: 'given' });
    const http = await serveHttp(running.service, { listen: '127.0.0.1:0', project: { cwd: running.folder, config } });
    const link = new URL(http.loginUrl ?? '');
    const once = link.searchParams.get('once') ?? '';
    // Opening the link uses nothing up.
    expect((await send(http.url, `${link.pathname}${link.search}`)).text).toContain(`value="${once}"`);
    const bearer = { authorization: `Bearer ${once}` };
    expect((await send(http.url, '/api/v1/view', { headers: bearer })).status).toBe(401);
    const form = {
      method: 'POST',
      headers: { origin: http.url, 'content-type': 'application/x-www-form-urlencoded' },
      body: `token=${once}`,
    };
    const first = await send(http.url, '/login', form);
    expect(first.status).toBe(303);
    expect((await send(http.url, '/login', form)).status).toBe(401);
    const cookie = first.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    expect((await send(http.url, '/api/v1/session', { headers: { cookie } })).text).toContain('"approve"');
    const leave = { method: 'POST', headers: { cookie, 'x-problems-csrf': '1' } };
    expect((await send(http.url, '/logout', leave)).status).toBe(200);
    expect((await send(http.url, '/api/v1/session', { headers: { cookie } })).status).toBe(401);
    expect(JSON.stringify(running.store.tokens.list())).not.toContain(once);
    await http.close();
    await running.close();
  });

  it('is told to run nothing but our files and to show them in no frame', async () => {
    const { http } = await start();
    for (const path of ['/login', '/healthz', '/nothing', '/api/v1/view']) {
      const { headers } = await send(http.url, path);
      expect(headers, path).toMatchObject({
        'content-security-policy':
          "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        'referrer-policy': 'same-origin',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
      });
      expect(headers['cache-control']).toBe('no-store');
    }
  });
});

describe('hostile content', () => {
  it('stays data: a script in a log line is JSON, escaped in no way that runs', async () => {
    const { ask, emit, service } = await start();
    const [tracked] = service.view().findings;
    const finding = {
      ...tracked!,
      finding: { ...tracked!.finding, summary: '</script><script>alert(1)</script>', evidence: [] },
    };
    served!.show({ findings: [finding] });
    const response = await ask('/api/v1/view');
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(JSON.stringify(await response.json())).toContain('<script>alert(1)</script>');

    const events = await ask('/api/v1/events');
    const reader = events.body!.getReader();
    emit({
      type: 'finding',
      finding: { ...finding, finding: { ...finding.finding, summary: 'a\n\nevent: forged\ndata: {}\n\n' } },
    });
    let text = '';
    while (!text.includes('forged')) text += new TextDecoder().decode((await reader.read()).value);
    expect(text.split('\n').filter((line) => line.startsWith('event: '))).toEqual(['event: finding']);
    await reader.cancel();
  });

  it('of the one-time link cannot leave its attribute', async () => {
    const { http } = await start();
    const { text } = await send(http.url, '/login?once=%22%3E%3Cscript%3Ealert(1)%3C/script%3E');
    expect(text).not.toContain('<script');
  });

  it('never contains a secret: what looks like one is redacted', async () => {
    const { ask, service } = await start();
    const [tracked] = service.view().findings;
    const finding = {
      ...tracked!,
      finding: { ...tracked!.finding, summary: 'postgres://postgres:hunter22@db/x is refused' },
    };
    served!.show({ findings: [finding] });
    expect(await (await ask('/api/v1/view')).text()).not.toContain('hunter22');
  });

  it('is refused if it is too large, not JSON or of another type', async () => {
    const { http, tokens } = await start();
    const authorization = `Bearer ${tokens.approve}`;
    async function post(body: string, type: string): Promise<[number, string]> {
      const headers = { authorization, 'content-type': type };
      return refusal(send(http.url, '/api/v1/rounds', { method: 'POST', headers, body }));
    }
    const json = 'application/json';
    expect(await post(JSON.stringify({ instances: ['x'.repeat(70_000)] }), json)).toEqual([413, 'too-large']);
    expect(await post('{"instances":', json)).toEqual([400, 'bad-usage']);
    expect(await post('[]', json)).toEqual([400, 'bad-usage']);
    expect(await post('{"unknown":1}', json)).toEqual([400, 'bad-usage']);
    expect(await post('{}', 'text/plain')).toEqual([415, 'bad-usage']);
    const chunked = { authorization, 'content-type': json, 'transfer-encoding': 'chunked' };
    const body = JSON.stringify({ instances: ['x'.repeat(70_000)] });
    expect((await send(http.url, '/api/v1/rounds', { method: 'POST', headers: chunked, body })).status).toBe(413);
    const small = { method: 'POST', headers: chunked, body: '{"instances":["orders"]}' };
    expect((await send(http.url, '/api/v1/rounds', small)).status).toBe(202);
  });
});

describe('the files of the page', () => {
  let folder: Awaited<ReturnType<typeof scratchFolder>>;
  beforeEach(async () => {
    folder = await scratchFolder();
    await mkdir(join(folder.path, 'page'));
    await writeFile(join(folder.path, 'secret.js'), 'secret');
    await writeFile(join(folder.path, 'page/index.html'), '<!doctype html>');
    await writeFile(join(folder.path, 'page/page.js'), 'export {};');
    await writeFile(join(folder.path, 'page/notes.txt'), 'secret');
    await symlink(join(folder.path, 'secret.js'), join(folder.path, 'page/link.js'));
  });
  afterEach(async () => folder.remove());

  it('are served with a type and an etag, and nothing else is', async () => {
    const { http } = await start({ http: { pageFolder: join(folder.path, 'page') } });
    const page = await send(http.url, '/');
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    const script = await send(http.url, '/page.js');
    expect([script.text, script.headers['content-type']]).toEqual(['export {};', 'text/javascript; charset=utf-8']);
    const headers = { 'if-none-match': String(script.headers['etag']) };
    expect((await send(http.url, '/page.js', { headers })).status).toBe(304);
    for (const path of [
      '/../secret.js',
      '/..%2fsecret.js',
      '/%2e%2e/secret.js',
      '/page/../../secret.js',
      '/..\\secret.js',
      '//secret.js',
      '/link.js',
      '/notes.txt',
      '/page.js%00.html',
      '/page.js/',
      '/.',
      join(folder.path, 'secret.js'),
    ]) {
      const answer = await send(http.url, path);
      expect(answer.text, path).not.toContain('secret');
      // `/.` is `/` once the path is normal.
      if (path !== '/.') expect([400, 404], path).toContain(answer.status);
    }
  });

  it('are not reached by a target that is no path', async () => {
    const { http } = await start();
    expect((await send(http.url, 'http://evil.example/healthz')).status).toBe(400);
  });
});

describe('a slow or greedy client', () => {
  it('is cut off if its request does not arrive', async () => {
    const { http } = await start({ http: { patienceMs: 1_000 } });
    const socket = connect(Number(new URL(http.url).port), '127.0.0.1');
    const began = performance.now();
    socket.write('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ');
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      socket.on('data', (part: Buffer) => (text += part.toString()));
      socket.on('close', () => resolve(text));
    });
    expect(answer).toContain('408');
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it('gets no more than 32 streams of events with all others', async () => {
    const { ask } = await start();
    const open = await Promise.all(Array.from({ length: 32 }, () => ask('/api/v1/events')));
    const one = await ask('/api/v1/events');
    expect(one.status).toBe(429);
    await Promise.all(open.map(async (response) => response.body?.cancel()));
    await expect.poll(async () => (await ask('/api/v1/events')).status, { timeout: 5_000 }).toBe(200);
  });

  it('gets what it missed, or is told to read everything', async () => {
    const { ask, emit } = await start();
    async function read(response: Response, until: string): Promise<string> {
      const reader = response.body!.getReader();
      let text = '';
      while (!text.includes(until)) text += new TextDecoder().decode((await reader.read()).value);
      await reader.cancel();
      return text;
    }
    emit({ type: 'recurred', class: 'a' });
    emit({ type: 'recurred', class: 'b' });
    const first = await ask('/api/v1/events');
    const seen = read(first, '"c"');
    emit({ type: 'recurred', class: 'c' });
    const [, id = ''] = /id: (\S+)\nevent: recurred\ndata: .*"c"/.exec(await seen) ?? [];
    emit({ type: 'recurred', class: 'd' });
    const headers = { 'last-event-id': id };
    const missed = await read(await ask('/api/v1/events', { headers }), '"d"');
    expect(missed).not.toContain('"c"');
    const lost = await read(await ask('/api/v1/events', { headers: { 'last-event-id': 'other-7' } }), 'reset');
    expect(lost).toContain('event: reset');
  });
});

describe('what listens', () => {
  it.each([
    ['0.0.0.0:4817', {}],
    ['192.0.2.1:4817', { proxy: 'https://problems.example' }],
    ['0.0.0.0:4817', { allowRemote: true }],
    ['[::]:4817', { allowRemote: true }],
    ['example.org:80', {}],
    ['unix:relative.sock', {}],
    ['127.0.0.1:99999', {}],
    ['127.0.0.1:0', { proxy: 'https://user@problems.example/path' }],
  ])('refuses %s with %j', async (listen, more) => {
    const running = await runningService();
    const config = await loadConfig(running.folder, { trust: 'given' });
    const settings = { listen, project: { cwd: running.folder, config }, ...more };
    await expect(serveHttp(running.service, settings)).rejects.toMatchObject({ code: 'bad-usage' });
    await running.close();
  });

  it('behind a proxy answers under its name, and shows the metrics to no one without a token', async () => {
    const port = await freePort();
    const metrics = async (): Promise<string> => 'problems_build_info 1\n';
    const { http, tokens } = await start({
      http: { listen: `127.0.0.1:${port}`, proxy: 'https://problems.example', metrics },
    });
    expect(http.url).toBe('https://problems.example');
    const url = `http://127.0.0.1:${port}`;
    const host = 'problems.example';
    expect((await send(url, '/metrics', { headers: { host } })).status).toBe(401);
    const authorization = `Bearer ${tokens.read}`;
    const origin = 'https://problems.example';
    expect((await send(url, '/metrics', { headers: { host, origin, authorization } })).status).toBe(200);
    const login = await send(url, '/login', {
      method: 'POST',
      headers: { host, origin, 'content-type': 'application/json' },
      body: JSON.stringify({ token: tokens.read }),
    });
    expect(login.headers['set-cookie']?.[0]).toMatch(/^__Host-problems=.*; Secure/);
  });

  it('shows the metrics to everyone on this machine', async () => {
    const { http } = await start({ http: { metrics: async () => 'problems_build_info 1\n' } });
    expect((await send(http.url, '/metrics')).text).toBe('problems_build_info 1\n');
  });

  it('is a socket that only its user can open, in the place of one that was left behind', async () => {
    const folder = await scratchFolder();
    const path = join(folder.path, 'problems.sock');
    const running = await runningService();
    const token = addToken(running.store.tokens, { name: 'a', scope: 'read', now: new Date() });
    const project = { cwd: running.folder, config: await loadConfig(running.folder, { trust: 'given' }) };
    const http = await serveHttp(running.service, { listen: `unix:${path}`, project });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await expect(serveHttp(running.service, { listen: `unix:${path}`, project })).rejects.toMatchObject({
      code: 'bad-usage',
    });
    const status = await new Promise<number>((resolve, reject) => {
      const headers = { host: 'localhost', authorization: `Bearer ${token}` };
      httpRequest({ socketPath: path, path: '/api/v1/session', headers }, ({ statusCode = 0 }) => resolve(statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
    await http.close();
    await running.close();
    await folder.remove();
  });

  it('has no route that changes anything if it is read-only', async () => {
    const { ask } = await start({ http: { readOnly: true } });
    for (const path of ['/rounds', '/remediations', '/runs/r1/approve', '/pause', '/findings/ack'])
      expect((await ask(`/api/v1${path}`, { json: {} })).status, path).toBe(404);
    const described = (await (await ask('/openapi.json')).json()) as { paths: Record<string, object> };
    expect(Object.values(described.paths).flatMap(Object.keys)).not.toContain('post');
    expect(await (await ask('/api/v1/session')).json()).toMatchObject({ readOnly: true });
  });

  it('is not ready without an engine, a round or a journal, and says why', async () => {
    const { http, show, service } = await start();
    expect((await send(http.url, '/readyz')).status).toBe(200);
    show({ lastRound: null, engines: service.view().engines.map((one) => ({ ...one, reachable: false })) });
    const answer = await send(http.url, '/readyz');
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      503,
      { ready: false, reasons: ['No Docker engine answers.', 'No round has ended yet.'] },
    ]);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
