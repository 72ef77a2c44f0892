import { setTimeout as sleep } from 'node:timers/promises';
import { ProblemsError } from '../errors.ts';
import { errorText } from '../util/text.ts';
import type { Claim, Swarm } from './swarm.ts';
import type { ClaimRequest, Report, Settled } from './types.ts';

/** Instead of a report: the task goes back without a result, since something else must happen first. */
export interface Release {
  readonly result: 'released';
  /** When it can be claimed again. Default: at once. */
  readonly retryAt?: Date;
  /** What someone must decide before, such as a command; `problems tasks --waiting` shows it. */
  readonly asks?: string;
  /** Why, for your `onSettled`; the queue does not keep it. */
  readonly notes?: string;
}

export interface WorkOptions extends ClaimRequest {
  /**
   * Does one task and returns its report, or releases it. An error that it throws is reported as a failure: `interrupted`
   * for a ProblemsError of that code, else `step-failed`. It must end when `claim.signal` aborts.
   */
  readonly run: (claim: Claim) => Promise<Report | Release>;
  /** How many tasks are worked on at the same time. Default 1. */
  readonly concurrency?: number;
  /** Ends the work: nothing more is taken, and what has begun is finished. A task that was just taken is released. */
  readonly signal?: AbortSignal;
  /** Ends when there is nothing to take now, instead of waiting for more. */
  readonly once?: boolean;
  /** Seconds between two looks at an empty queue. Default 5. */
  readonly pause?: number;
  /** Called before `run`. */
  readonly onClaimed?: (claim: Claim) => void;
  readonly onSettled?: (claim: Claim, report: Report | Release, settled: Settled) => void;
}

export interface Worked {
  readonly done: number;
  readonly failed: number;
  readonly released: number;
  /** Reports that came after the claim had ended. */
  readonly refused: number;
}

/**
 * Takes tasks and runs them, one after the other or several at a time, until the signal aborts.
 * @throws ProblemsError that the store throws, after the tasks that have begun are finished.
 */
export async function work(swarm: Pick<Swarm, 'claim'>, options: WorkOptions): Promise<Worked> {
  const { concurrency = 1 } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 100)
    throw new ProblemsError('bad-usage', 'The concurrency must be a whole number from 1 to 100.');
  const failure = new AbortController();
  const stop = options.signal === undefined ? failure.signal : AbortSignal.any([options.signal, failure.signal]);
  const lanes = await Promise.allSettled(
    Array.from({ length: concurrency }, () =>
      lane(swarm, options, stop).catch((error: unknown) => {
        failure.abort();
        throw error;
      }),
    ),
  );
  const failed = lanes.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  const worked = lanes.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  return {
    done: worked.filter((one) => one === 'done').length,
    failed: worked.filter((one) => one === 'failed').length,
    released: worked.filter((one) => one === 'released').length,
    refused: worked.filter((one) => one === 'refused').length,
  };
}

async function lane(
  swarm: Pick<Swarm, 'claim'>,
  { run, once = false, pause = 5, onClaimed, onSettled, ...request }: WorkOptions,
  stop: AbortSignal,
): Promise<readonly (keyof Worked)[]> {
  const worked: (keyof Worked)[] = [];
  while (!stop.aborted) {
    const claim = await swarm.claim(request);
    if (claim === undefined) {
      if (once) break;
      await sleep(pause * 1_000, undefined, { signal: stop }).catch(() => undefined);
      continue;
    }
    if (stop.aborted) {
      await claim.release();
      break;
    }
    onClaimed?.(claim);
    const report = await run(claim).catch(failureOf);
    const settled =
      report.result === 'released' ? await claim.release(report.retryAt, report.asks) : await claim.report(report);
    worked.push(settled.accepted ? report.result : 'refused');
    onSettled?.(claim, report, settled);
  }
  return worked;
}

function failureOf(error: unknown): Report {
  const isStopped = error instanceof ProblemsError && error.code === 'interrupted';
  return { result: 'failed', class: isStopped ? 'interrupted' : 'step-failed', notes: errorText(error) };
}
