import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { ServiceStore, Scope, StoredToken } from '../contract.ts';
import { addToken, allows, browserPrefix, findToken, noteUse } from '../tokens.ts';
import { refusal } from './refusals.ts';

/** Who sends a request. A browser sends its cookie by itself, so what it asks for needs one more sign that it was the page. */
export interface Caller {
  readonly name: string;
  readonly scope: Scope;
  readonly via: 'bearer' | 'cookie';
}

const minuteMs = 60_000;
const failuresPerMinute = 10;
const mostAddresses = 1_000;

export interface SignIn {
  /** @throws a refusal: 401, or 429 after ten failures in a minute. */
  identify(c: Context): Caller;
  /** Signs a browser in. Undefined: no token, or one that ended. @throws a refusal: 429. */
  enter(c: Context, token: string): Caller | undefined;
  leave(c: Context): void;
}

export function signIn(
  tokens: ServiceStore['tokens'],
  {
    now,
    isSecure,
    addressOf,
  }: { readonly now: () => Date; readonly isSecure: boolean; readonly addressOf: (c: Context) => string },
): SignIn {
  const cookie = isSecure ? '__Host-problems' : 'problems_token';
  /** By address: the times of the failures of the last minute. */
  const failures = new Map<string, readonly number[]>();

  function failuresOf(address: string): readonly number[] {
    const since = now().getTime() - minuteMs;
    return (failures.get(address) ?? []).filter((at) => at > since);
  }

  function noteFailure(address: string): void {
    if (failures.size >= mostAddresses) failures.clear();
    failures.set(address, [...failuresOf(address), now().getTime()].slice(-failuresPerMinute));
  }

  function requireFew(address: string): void {
    if (failuresOf(address).length < failuresPerMinute) return;
    throw refusal(429, 'too-many', 'Too many tokens were wrong.', 'Wait for a minute.', { 'retry-after': '60' });
  }

  function credentials(c: Context): { readonly token: string; readonly via: Caller['via'] } | undefined {
    const [, bearer] = /^Bearer ([\w.~+/-]+=*)$/i.exec(c.req.header('authorization') ?? '') ?? [];
    if (bearer !== undefined) return { token: bearer, via: 'bearer' };
    const token = getCookie(c, cookie);
    return token === undefined ? undefined : { token, via: 'cookie' };
  }

  function toCookie(c: Context, token: string): void {
    const options = { httpOnly: true, sameSite: 'Strict', secure: isSecure, path: '/', maxAge: 30 * 86_400 } as const;
    setCookie(c, cookie, token, options);
  }

  return {
    identify(c) {
      const given = credentials(c);
      const hint = 'Sign in, or send a token: `problems tokens add <name>` makes one.';
      if (given === undefined)
        throw refusal(401, 'not-signed-in', 'This needs a token.', hint, { 'www-authenticate': 'Bearer' });
      const stored = findToken(tokens, given.token);
      if (stored === undefined || stored.once) {
        // A known token is always let in: a program with an old one must not lock everyone out.
        const address = addressOf(c);
        requireFew(address);
        noteFailure(address);
        throw refusal(401, 'not-signed-in', 'This token is not known.', hint, { 'www-authenticate': 'Bearer' });
      }
      noteUse(tokens, stored, now());
      return { name: stored.name, scope: stored.scope, via: given.via };
    },
    enter(c, token) {
      const address = addressOf(c);
      requireFew(address);
      const stored = findToken(tokens, token);
      if (stored === undefined) {
        noteFailure(address);
        return undefined;
      }
      const own = stored.once ? browserToken(tokens, stored, now()) : { name: stored.name, token };
      toCookie(c, own.token);
      return { name: own.name, scope: stored.scope, via: 'cookie' };
    },
    leave(c) {
      const given = credentials(c);
      const stored = given === undefined ? undefined : findToken(tokens, given.token);
      if (stored?.name.startsWith(browserPrefix) === true) tokens.remove(stored.name);
      deleteCookie(c, cookie, { path: '/', secure: isSecure });
    },
  };
}

/** A one-time token becomes a token of the browser that used it, with the same scope. */
function browserToken(
  tokens: ServiceStore['tokens'],
  { name: used, scope }: StoredToken,
  now: Date,
): { readonly name: string; readonly token: string } {
  tokens.remove(used);
  const since = `${browserPrefix}${now.toISOString().slice(0, 19).replace('T', ' ')}`;
  const taken = new Set(tokens.list().map((stored) => stored.name));
  const name = taken.has(since) ? `${since}.${now.getMilliseconds()}` : since;
  return { name, token: addToken(tokens, { name, scope, now }) };
}

/** @throws a refusal: 403. */
export function requireScope({ scope, name }: Caller, needed: Scope): void {
  if (allows(scope, needed)) return;
  throw refusal(
    403,
    'forbidden',
    `The token ${name} may not do this: it has the scope ${scope}.`,
    `Use one with ${needed}.`,
  );
}

/** @throws a refusal: 403. Only a page of ours can send the header: another site would have to ask first, and is refused. */
export function requireOwnPage(c: Context, { via }: Caller): void {
  if (via === 'bearer' || c.req.header('x-problems-csrf') !== undefined) return;
  throw refusal(
    403,
    'forbidden',
    'A change with a cookie needs the header x-problems-csrf.',
    'Send `x-problems-csrf: 1`.',
  );
}
