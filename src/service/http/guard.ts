import type { MiddlewareHandler } from 'hono';
import type { HttpBindings } from '@hono/node-server';
import { refusal } from './refusals.ts';
import type { OwnNames } from './settings.ts';

/** Everything that is checked before a request is read, and the headers of every answer. */

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * `no-referrer` would make Chromium send `Origin: null` with the form of the sign-in, which the check of the Origin refuses.
 */
const headers: readonly (readonly [string, string])[] = [
  ['content-security-policy', policy],
  ['referrer-policy', 'same-origin'],
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  ['cross-origin-opener-policy', 'same-origin'],
  ['cross-origin-resource-policy', 'same-origin'],
  ['permissions-policy', 'camera=(), geolocation=(), microphone=()'],
];

export function withHeaders(): MiddlewareHandler {
  return async (c, next) => {
    await next();
    for (const [name, value] of headers) c.res.headers.set(name, value);
    if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store');
  };
}

/** Refuses requests that use another name than ours, or that a page of another site sends. */
export function onlyOwnNames(names: () => OwnNames): MiddlewareHandler<{ Bindings: HttpBindings }> {
  return async (c, next) => {
    const { incoming } = c.env;
    const { isOwnHost, isOwnOrigin } = names();
    const { host, origin } = incoming.headers;
    if (incoming.url?.startsWith('/') !== true) throw refusal(400, 'bad-usage', 'The target must be a path.');
    if (!isOwnHost(host))
      throw refusal(
        403,
        'forbidden',
        'The Host of this request is not a name of this service.',
        'Use its own address.',
      );
    if (origin !== undefined && !isOwnOrigin(origin))
      throw refusal(403, 'forbidden', 'A page of another site sent this request.');
    await next();
  };
}

const largestBody = 64 * 1_024;

/**
 * Refuses larger bodies. One that comes in pieces, without a length, is read first. hono's own limit makes a Request of Node from
 * the server's, which Node refuses: each body in pieces, and each DELETE, would be answered 500.
 */
export function onlySmallBodies(): MiddlewareHandler<{ Bindings: HttpBindings }> {
  return async (c, next) => {
    const { 'content-length': length = 0, 'transfer-encoding': inPieces } = c.env.incoming.headers;
    if (Number(length) > largestBody) throw tooLarge();
    if (inPieces !== undefined) {
      const { method, body, signal } = c.req.raw;
      const read = body === null ? null : await readSmall(body);
      c.req.raw = new Request(c.req.url, { method, body: read, signal, headers: c.req.header() });
    }
    await next();
  };
}

async function readSmall(body: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > largestBody) throw tooLarge();
    parts.push(part);
  }
  return Uint8Array.from(Buffer.concat(parts));
}

function tooLarge(): ReturnType<typeof refusal> {
  return refusal(413, 'too-large', 'The body is larger than 64 KB.');
}
