import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import { isObject, parseJson } from '../../util/json.ts';
import { refusal } from './refusals.ts';

/** What holds for every request: its body, its time, and that the same one is done once. */

/** A plan may have to wait for an engine. */
const longestMs = 120_000;

/** @throws a refusal: 400, 415. */
export async function bodyOf(c: Context): Promise<Readonly<Record<string, unknown>>> {
  const text = await c.req.text();
  if (text === '') return {};
  // A form of another site cannot send this type.
  if (!/^application\/json\b/i.test(c.req.header('content-type') ?? ''))
    throw refusal(415, 'bad-usage', 'The body must be JSON.', 'Send `content-type: application/json`.');
  const body = parseJson(text);
  if (!isObject(body)) throw refusal(400, 'bad-usage', 'The body must be a JSON object.');
  return body;
}

/** @throws a refusal: 503, after two minutes. */
export async function inTime<Value>(work: Promise<Value>): Promise<Value> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(refusal(503, 'interrupted', 'This took longer than two minutes.', 'Ask again later.')),
    longestMs,
  );
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** The answers of requests with an Idempotency-Key: the same request again gets the same answer, and nothing happens twice. */
export interface Idempotency {
  /** @throws a refusal: 400, if the key was used for another request. */
  once(key: string | undefined, request: unknown, work: () => Promise<unknown>): Promise<unknown>;
}

const mostKept = 1_000;
const keptMs = 24 * 3_600_000;

export function idempotency(now: () => Date): Idempotency {
  const kept = new Map<string, { readonly at: number; readonly request: string; readonly answer: Promise<unknown> }>();
  return {
    once(key, request, work) {
      if (key === undefined) return work();
      if (key.length > 200) throw refusal(400, 'bad-usage', 'The Idempotency-Key is longer than 200 characters.');
      const asked = createHash('sha256').update(JSON.stringify(request)).digest('hex');
      const before = kept.get(key);
      const at = now().getTime();
      if (before !== undefined && at - before.at < keptMs) {
        if (before.request === asked) return before.answer;
        throw refusal(400, 'bad-usage', 'This Idempotency-Key belongs to another request.', 'Send a new key.');
      }
      const answer = work();
      const [oldest] = kept.keys();
      if (kept.size >= mostKept && oldest !== undefined) kept.delete(oldest);
      kept.set(key, { at, request: asked, answer });
      // What failed may be tried again.
      answer.catch(() => kept.delete(key));
      return answer;
    },
  };
}
