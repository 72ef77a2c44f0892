import { isAnswer } from '../../shared/availability.ts';
import { failedCheck } from './health-check.ts';
import { isOrderlyEnd, isStartedAgain, refusesToStart, unfinishedInit, wordsOfFailure } from './log-patterns.ts';
import type { AvailabilityDetails, Observation } from './types.ts';

/** What is wrong with an instance; `starting`: it cannot be said yet. */
export type Diagnosis =
  | (Pick<AvailabilityDetails, 'kind' | 'obstacle' | 'approval'> & {
      /** Completes `<instance> …`, without a full stop. */
      readonly says: string;
    })
  | { readonly kind: 'starting'; readonly says: string };

/** A server that ends this soon after its start did not come up at all, in milliseconds. */
const failedStartMs = 30_000;

/** Undefined: the instance runs and its server answered. Pure. */
export function diagnose(seen: Observation): Diagnosis | undefined {
  const { state, restarts = 0 } = seen.instance.container;
  switch (state.status) {
    case 'created':
      return state.error === ''
        ? start('never-started', 'was created and never started', 'it has never been started')
        : obstacle('failed', `could not be started: ${state.error}`, state.error);
    case 'paused':
      return obstacle('paused', 'is paused: it does not answer until it is unpaused', 'it is paused');
    case 'restarting':
      return loop(seen);
    case 'running':
      return ofRunning(seen, restarts);
    default:
      return ofStopped(seen);
  }
}

function ofRunning(seen: Observation, restarts: number): Diagnosis | undefined {
  const { answer, instance, log } = seen;
  const { health } = instance.container.state;
  if (answer !== undefined && isAnswer(answer)) {
    // Else the scripts may still be running: the server of the entrypoint answers too.
    const half = isStartedAgain(seen.firstStart) ? unfinishedInit(seen.firstStart) : undefined;
    if (half !== undefined) return obstacle('half-made', `answers, but its database is not complete: ${half}`, half);
    return health === 'unhealthy' ? unhealthy(seen) : undefined;
  }
  const message = answer?.ok === false ? answer.message : 'no answer';
  if (restarts > 0 && refusesToStart(log)) return loop(seen);
  if (answer?.ok === false && answer.sqlstate === '57P03') return { kind: 'starting', says: message };
  if (isFresh(seen)) return { kind: 'starting', says: 'it has just been started' };
  return obstacle('not-answering', `is running, but its server does not answer: ${message}`, message);
}

function unhealthy({ instance }: Observation): Diagnosis {
  const { output, mistake } = failedCheck(instance.container.inspect);
  const says =
    mistake === undefined
      ? `answers, but the health check of its container fails${output === '' ? '' : `: ${output}`}`
      : `answers, and the health check of its container is wrong: ${mistake}: ${output}`;
  return obstacle('unhealthy', says, 'it is running');
}

/** Whether the log ends before the server has said that it is ready. */
function isFresh({ log }: Observation): boolean {
  return log.length > 0 && !log.some(({ text }) => /ready to accept connections|FATAL|PANIC/.test(text));
}

function loop({ instance, log }: Observation): Diagnosis {
  const { exitCode, error } = instance.container.state;
  const words = unfinishedInit(log) ?? wordsOfFailure(log) ?? (error === '' ? `exit code ${exitCode}` : error);
  return obstacle('restart-loop', `does not start, and the engine tries again and again: ${words}`, words);
}

function ofStopped(seen: Observation): Diagnosis {
  const { instance, log } = seen;
  const { exitCode, error, oomKilled, startedAt, finishedAt } = instance.container.state;
  if (error !== '') return obstacle('failed', `could not be started: ${error}`, error);
  const by = stoppedBy(seen);
  if (by !== undefined) return start('stopped', `is stopped: ${by}`, `${by}, perhaps on purpose`);
  const half = unfinishedInit(log);
  if (half !== undefined) return obstacle('failed', `was not set up: ${half}`, half);
  const words = wordsOfFailure(log);
  const ran = Date.parse(finishedAt) - Date.parse(startedAt);
  if (exitCode !== 137 && (refusesToStart(log) || ran < failedStartMs)) {
    const why = words ?? `exit code ${exitCode}`;
    return obstacle('failed', `does not start: ${why}`, why);
  }
  if (oomKilled) {
    const says = 'was killed because its container was out of memory';
    return start('failed', says, 'it may be killed again');
  }
  if (words !== undefined && /PANIC/.test(words))
    return start('failed', `has crashed: ${words}`, 'a server that panicked may have damaged data');
  return start('failed', `is down: its server was killed or crashed (exit code ${exitCode})`, '');
}

/** How someone stopped it, from the engine's events, else from the way the server ended; undefined: it was not stopped. */
function stoppedBy({ instance, events, log }: Observation): string | undefined {
  const { exitCode } = instance.container.state;
  const ended = events.findLastIndex(({ action }) => action === 'die');
  const signals = events.slice(0, ended === -1 ? undefined : ended).findLast(({ action }) => action === 'kill');
  const restarted = events.findLastIndex(({ action }) => action === 'start');
  if (signals !== undefined && events.indexOf(signals) > restarted)
    return signals.attributes['signal'] === '9' ? 'someone killed it' : 'someone stopped it';
  return exitCode === 0 && isOrderlyEnd(log) ? 'it was shut down in an orderly way' : undefined;
}

/** A problem that a start would solve. */
function start(kind: AvailabilityDetails['kind'], says: string, approval: string): Diagnosis {
  return { kind, says, obstacle: '', approval };
}

/** A problem that a start would not solve. */
function obstacle(kind: AvailabilityDetails['kind'], says: string, why: string): Diagnosis {
  return { kind, says, obstacle: why, approval: '' };
}
