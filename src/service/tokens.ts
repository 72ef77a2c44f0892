import { createHash, randomBytes } from 'node:crypto';
import { ProblemsError } from '../errors.ts';
import type { Scope, ServiceStore, StoredToken } from './contract.ts';
import { scopes } from './contract.ts';

/**
 * Tokens: 256 random bits, of which the service keeps the SHA-256. A hash without salt and stretching is enough, since no one
 * can try so many.
 */
type Tokens = ServiceStore['tokens'];

export interface NewToken {
  readonly name: string;
  readonly scope: Scope;
  /** Ends when it is used to sign in. */
  readonly once?: boolean;
  readonly now: Date;
}

const namePattern = /^[a-z0-9][a-z0-9 ._:-]{0,49}$/i;

/** The name of a token that a browser got when someone signed in with a one-time token. */
export const browserPrefix = 'browser ';

/**
 * Makes a token and returns it: it is not kept, so it is shown only now.
 * @throws ProblemsError `bad-usage`: the name is invalid or taken.
 */
export function addToken(tokens: Tokens, { name, scope, once = false, now }: NewToken): string {
  if (!namePattern.test(name))
    throw new ProblemsError('bad-usage', `Invalid name of a token: ${name}.`, {
      hint: 'Use letters, digits, blanks and . _ : -, at most 50 characters.',
    });
  if (tokens.list().some((stored) => stored.name === name))
    throw new ProblemsError('bad-usage', `There is already a token ${name}.`, {
      hint: `Remove it first: problems tokens remove "${name}"`,
    });
  const token = `problems_${randomBytes(32).toString('base64url')}`;
  tokens.add({ name, scope, hash: hashOf(token), createdAt: now.toISOString(), lastUsedAt: null, once });
  return token;
}

/** @throws ProblemsError `not-found`. */
export function removeToken(tokens: Tokens, name: string): StoredToken {
  const stored = tokens.list().find((one) => one.name === name);
  if (stored === undefined)
    throw new ProblemsError('not-found', `There is no token ${name}.`, { hint: '`problems tokens list` lists them.' });
  tokens.remove(name);
  return stored;
}

export function findToken(tokens: Tokens, token: string): StoredToken | undefined {
  if (token.length > 200) return undefined;
  const hash = hashOf(token);
  return tokens.list().find((stored) => stored.hash === hash);
}

/** Notes the use of a token, at most once a minute. */
export function noteUse(tokens: Tokens, stored: StoredToken, now: Date): void {
  if (stored.lastUsedAt !== null && now.getTime() - Date.parse(stored.lastUsedAt) < 60_000) return;
  tokens.add({ ...stored, lastUsedAt: now.toISOString() });
}

/**
 * What someone types in a browser at the first start: a one-time token with the scope `approve`. Undefined if there is a token
 * already. One that was not used is replaced: it was printed to a terminal that is gone.
 */
export function firstToken(tokens: Tokens, now: Date): string | undefined {
  const stored = tokens.list();
  if (stored.some(({ once }) => !once)) return undefined;
  for (const { name } of stored) tokens.remove(name);
  return addToken(tokens, { name: 'first start', scope: 'approve', once: true, now });
}

/** Whether a token of scope `has` may do what needs `needs`. */
export function allows(has: Scope, needs: Scope): boolean {
  return scopes.indexOf(has) >= scopes.indexOf(needs);
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
