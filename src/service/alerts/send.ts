import { readRegularFile } from '../../read-file.ts';
import type { Json } from '../../util/json.ts';
import { errorCode } from '../../util/text.ts';
import type { Channel } from './settings.ts';

/** What sending needs of the outside. */
export interface Outside {
  /** Default: the variables of the process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Waits before another try; rejects when the service stops. */
  wait(ms: number): Promise<void>;
  /** Aborted when the service stops. */
  readonly signal: AbortSignal;
}

/** Waits between tries, in ms. */
const waits = [0, 5_000, 25_000];

const timeoutMs = 10_000;

const largestBody = 1024 ** 2;

/** `failure` is one of a few sentences of ours: it never holds the URL, which is a secret, or text of the other side. */
export interface SendResult {
  readonly attempts: number;
  /** Null: it was accepted. */
  readonly failure: string | null;
}

/**
 * Sends JSON to a channel: at most three tries of 10 seconds each, 5 and 25 seconds apart. A redirect is a failure, since the
 * alerts would go to an address that is not in the config. What the other side answers is not read.
 */
export async function send(channel: Pick<Channel, 'to' | 'url'>, payload: Json, outside: Outside): Promise<SendResult> {
  const body = JSON.stringify(payload);
  if (Buffer.byteLength(body) > largestBody) return { attempts: 0, failure: 'the notification is larger than 1 MiB' };
  let failure: string | null = null;
  let attempts = 0;
  for (const ms of waits) {
    if (ms > 0) await outside.wait(ms);
    // Read for each try, so that a rotated secret is found.
    const address = addressOf(channel, outside.env ?? process.env);
    if (typeof address === 'string') return { attempts, failure: address };
    attempts += 1;
    const answer = await post(address, body, outside.signal);
    failure = answer.failure;
    if (failure === null || answer.isFinal) break;
  }
  return { attempts, failure };
}

async function post(
  address: URL,
  body: string,
  stopped: AbortSignal,
): Promise<{ readonly failure: string | null; readonly isFinal: boolean }> {
  try {
    const answer = await fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'problems' },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), stopped]),
    });
    await answer.body?.cancel();
    if (answer.ok) return { failure: null, isFinal: true };
    if (answer.status >= 300 && answer.status < 400) return { failure: 'the server redirects', isFinal: true };
    const mayPass = answer.status >= 500 || answer.status === 408 || answer.status === 429;
    return { failure: `the server answered ${answer.status}`, isFinal: !mayPass };
  } catch (error) {
    if (stopped.aborted) return { failure: 'the service stopped', isFinal: true };
    if (error instanceof Error && error.name === 'TimeoutError')
      return { failure: `no answer within ${timeoutMs / 1_000} seconds`, isFinal: false };
    const code = error instanceof Error ? errorCode(error.cause) : '';
    return { failure: `the connection failed${/^[A-Z0-9_]{1,60}$/.test(code) ? ` (${code})` : ''}`, isFinal: false };
  }
}

/** The address to post to, or why there is none. */
function addressOf(
  { to, url }: Pick<Channel, 'to' | 'url'>,
  env: Readonly<Record<string, string | undefined>>,
): URL | string {
  const stated = statedUrl(url, env);
  if (stated.type === 'none') return stated.reason;
  if (!URL.canParse(stated.url)) return 'the address is not a URL';
  const address = new URL(stated.url);
  if (address.protocol !== 'https:' && address.protocol !== 'http:')
    return 'the address is neither http:// nor https://';
  // fetch refuses a URL with a password, and would name it.
  if (address.username !== '' || address.password !== '') return 'the address contains a user or a password';
  if (to === 'alertmanager') address.pathname = `${address.pathname.replace(/\/$/, '')}/api/v2/alerts`;
  return address;
}

function statedUrl(
  url: string,
  env: Readonly<Record<string, string | undefined>>,
): { readonly type: 'url'; readonly url: string } | { readonly type: 'none'; readonly reason: string } {
  if (url.startsWith('env:')) {
    const value = env[url.slice(4)]?.trim() ?? '';
    return value === ''
      ? { type: 'none', reason: `the variable ${url.slice(4)} is not set` }
      : { type: 'url', url: value };
  }
  if (!url.startsWith('file:')) return { type: 'url', url };
  try {
    const read = readRegularFile(url.slice(5), { most: 4_096 });
    if (read.type === 'refused') return { type: 'none', reason: `the file with the address is ${read.is}` };
    return { type: 'url', url: read.bytes.toString('utf8').trim() };
  } catch (error) {
    return { type: 'none', reason: `the file with the address cannot be read (${errorCode(error)})` };
  }
}
