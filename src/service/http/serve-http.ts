import { type HttpBindings, getRequestListener } from '@hono/node-server';
import type { Context } from 'hono';
import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect } from 'node:net';
import { ProblemsError } from '../../errors.ts';
import { errorText } from '../../util/text.ts';
import type { Service } from '../contract.ts';
import type { McpOverHttp } from '../mcp/over-http.ts';
import { newSharedWork, withoutPatterns } from '../operations/context.ts';
import { firstToken } from '../tokens.ts';
import { createApp } from './app.ts';
import { eventHub } from './events.ts';
import { readPageFiles } from './page-files.ts';
import { type HttpSettings, type OwnNames, ownNames, type Place, placeOf } from './settings.ts';
import { signIn } from './sign-in.ts';

export type { HttpSettings } from './settings.ts';

export interface HttpServer {
  /** `http://127.0.0.1:4817`, or `unix:/run/problems.sock`. */
  readonly url: string;
  /** Signs a browser in, once. Undefined if there is a token already. Print it to the terminal only. */
  readonly loginUrl: string | undefined;
  /** Ends streams, and answers that take longer than five seconds. */
  close(): Promise<void>;
}

/** A request must be there within these times, and no client holds more than its share. */
function limitsOf({ patienceMs }: HttpSettings): ServerOptions {
  return {
    headersTimeout: patienceMs ?? 10_000,
    requestTimeout: patienceMs ?? 30_000,
    keepAliveTimeout: 5_000,
    connectionsCheckingInterval: Math.min(2_000, patienceMs ?? 2_000),
    maxHeaderSize: 16 * 1_024,
  };
}

const mostConnections = 256;
const closingMs = 5_000;

/**
 * Serves the API, the events, the metrics and the page of a service.
 * @throws ProblemsError `bad-usage`: the address is not allowed, or in use.
 *
 * @example
 * const http = await serveHttp(service, { project: { cwd, config } });
 * console.log(http.loginUrl ?? http.url);
 */
export async function serveHttp(service: Service, settings: HttpSettings): Promise<HttpServer> {
  const place = placeOf(settings);
  const now = settings.now ?? (() => new Date());
  const onError = settings.onError ?? (() => undefined);
  const { tokens } = service.history;
  const events = eventHub(service, withoutPatterns);
  // The port is known once the server listens; until then no request comes.
  const own: { names?: OwnNames } = {};
  const operations = { service, project: settings.project, now, shared: newSharedWork() };
  const readOnly = settings.readOnly === true || service.view().readOnly;
  let mcp: Promise<McpOverHttp> | undefined;
  async function loadMcp(): Promise<McpOverHttp> {
    const { mcpOverHttp } = await import('../mcp/over-http.ts');
    return mcpOverHttp({ ...operations, readOnly, onError });
  }
  const app = createApp({
    operations,
    readOnly,
    mcp: () => (mcp ??= loadMcp()),
    names: () => own.names ?? ownNames(place, settings, 0),
    signIn: signIn(tokens, { now, isSecure: isSecure(settings), addressOf }),
    events,
    page: readPageFiles(settings.pageFolder),
    metrics: settings.metrics,
    openMetrics: place.type === 'socket' || (place.isLoopback && settings.proxy === undefined),
    onError,
  });
  const listener = getRequestListener((request, env) => app.fetch(request, env), { overrideGlobalObjects: false });
  const handle = (...[incoming, outgoing]: Parameters<typeof listener>): void => {
    listener(incoming, outgoing).catch(onError);
  };
  const server =
    settings.tls === undefined
      ? createServer(limitsOf(settings), handle)
      : createTlsServer({ ...limitsOf(settings), ...settings.tls, minVersion: 'TLSv1.2' }, handle);
  server.maxConnections = mostConnections;
  const port = await listen(server, place).catch((error: unknown) => {
    events.close();
    throw error;
  });
  const names = ownNames(place, settings, port);
  own.names = names;
  const first = firstToken(tokens, now());
  const origin = place.type === 'socket' && settings.proxy === undefined ? 'http://localhost' : names.url;
  return {
    url: names.url,
    loginUrl: first === undefined ? undefined : `${origin}/login?once=${first}`,
    async close() {
      events.close();
      await (await mcp)?.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), closingMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

function isSecure({ tls, proxy }: HttpSettings): boolean {
  return tls !== undefined || proxy?.startsWith('https:') === true;
}

function addressOf(c: Context<{ Bindings: HttpBindings }>): string {
  return c.env.incoming.socket.remoteAddress ?? 'socket';
}

/** Returns the port; 0 for a socket. */
async function listen(server: Server, place: Place): Promise<number> {
  if (place.type === 'socket') await removeStale(place.path);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  if (place.type === 'port') server.listen(place.port, place.host, resolve);
  else {
    // Between bind and chmod another user could connect.
    const before = process.umask(0o177);
    try {
      server.listen(place.path, resolve);
    } finally {
      process.umask(before);
    }
  }
  const where = place.type === 'port' ? `${place.host}:${place.port}` : place.path;
  await promise.catch((cause: unknown) => {
    throw new ProblemsError('bad-usage', `The service cannot listen on ${where}: ${errorText(cause)}`, {
      cause,
      hint: 'Another program may use it: choose another address with --listen.',
    });
  });
  if (place.type === 'socket') chmodSync(place.path, 0o600);
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A socket that nothing listens on, left by a process that was killed. Anything else is left alone. */
async function removeStale(path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats?.isSocket() !== true || stats.uid !== process.getuid?.()) return;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path, () => resolve(true));
  socket.once('error', () => resolve(false));
  const isUsed = await promise;
  socket.destroy();
  if (!isUsed) rmSync(path, { force: true });
}
