import type { Host } from '../contract.ts';
import type { Active } from './lock-run.ts';
import { changingHost } from './session.ts';

/** For how long what a step has begun is waited for when its time is up. */
const settleLimitMs = 30_000;

/**
 * Work of a step, with a host that ends with it. When its time is up nothing more of it is begun, its helpers are
 * removed, and it is waited for: what comes next is undoing, and nothing may land behind that.
 */
export async function inTime<Result>(
  { session, run }: Pick<Active, 'session' | 'run'>,
  deadlineMs: number,
  doing: string,
  work: (host: Host) => Promise<Result>,
): Promise<Result> {
  const over = new AbortController();
  const working = work(changingHost(session, run, { over: over.signal, until: performance.now() + deadlineMs }));
  try {
    return await within(deadlineMs, doing, working);
  } catch (error) {
    over.abort(new Error(`${doing} is over`));
    await within(settleLimitMs, doing, working).catch(() => undefined);
    throw error;
  } finally {
    over.abort(new Error(`${doing} is over`));
  }
}

export async function within<Result>(deadlineMs: number, doing: string, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${doing} did not end within ${deadlineMs / 1000} s`)), deadlineMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
