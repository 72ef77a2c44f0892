import type { EngineEvent } from '../host/docker/types.ts';
import type { ServiceEngine } from './engines.ts';
import type { Clock } from './scheduler.ts';

/** What an event of a container asks for. */
export interface FollowOptions {
  readonly clock: Clock;
  readonly engine: ServiceEngine;
  readonly signal: AbortSignal;
  /** The instance that a container was at the last look. */
  readonly instanceOf: (container: string) => string | undefined;
  /** Look at these instances now; undefined: at all. */
  readonly onLook: (only: ReadonlySet<string> | undefined) => Promise<void>;
  readonly onOom: (container: string) => void;
}

/** Events after which an instance may have another state. `health_status: healthy` has its result in its name. */
const telling = /^(?:die|oom|kill|stop|start|restart|pause|unpause|create|destroy|rename|health_status)\b/;

/** Events of containers that the service does not know yet may be of a new instance. */
const appearing = /^(?:create|start|rename)\b/;

/** Several events of one container come together; one look is enough for them. */
const gatherMs = 500;

/** A server needs a moment after the start of its container. */
const afterStartMs = 5_000;

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;

/**
 * Follows the events of an engine until `signal` is aborted, and asks for looks. When the connection ends, connects again,
 * from the last event on, so that none is missed meanwhile.
 */
export async function followEvents(options: FollowOptions): Promise<void> {
  const { clock, engine, signal, instanceOf, onLook, onOom } = options;
  const wanted = new Set<string>();
  let all = false;
  let gathering = false;
  let since = clock.now().toISOString();
  let pauseMs = firstPauseMs;

  function gather(ms: number): void {
    if (gathering) return;
    gathering = true;
    clock.after(ms, () => {
      gathering = false;
      if (signal.aborted) return;
      const only = all ? undefined : new Set(wanted);
      all = false;
      wanted.clear();
      void onLook(only);
    });
  }

  function onEvent({ at, action, actor, attributes }: EngineEvent): void {
    // The engine sends events from `since` on, that one included.
    since = new Date(Date.parse(at) + 1).toISOString();
    pauseMs = firstPauseMs;
    if (Object.hasOwn(attributes, 'problems.helper') || !telling.test(action)) return;
    const instance = instanceOf(actor);
    if (instance === undefined && !appearing.test(action)) return;
    if (action === 'oom') onOom(actor);
    if (instance === undefined || action === 'destroy' || action === 'rename') all = true;
    else wanted.add(instance);
    gather(gatherMs);
    if (/^(?:start|unpause)\b/.test(action))
      clock.after(afterStartMs, () => {
        const started = instanceOf(actor);
        if (signal.aborted || started === undefined) return;
        wanted.add(started);
        gather(gatherMs);
      });
  }

  while (!signal.aborted) {
    try {
      const remediation = await engine.remediation();
      await remediation.session.reader.docker.follow({ since, signal }, onEvent);
    } catch {
      // The light look tells why the engine is away.
      await pause(clock, pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    }
  }
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', end);
      resolve();
    });
    function end(): void {
      cancel();
      resolve();
    }
    signal.addEventListener('abort', end, { once: true });
  });
}
