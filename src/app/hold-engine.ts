import { hostname } from 'node:os';
import { ProblemsError } from '../errors.ts';
import { shortHash } from '../registry/identity.ts';
import type { Swarm } from '../swarm/swarm.ts';
import type { EngineHeld } from '../swarm/types.ts';
import type { Remediation } from './open-remediation.ts';

export interface EngineHold {
  /** Takes the engine for this host, or shows that it still has it. */
  take(): Promise<EngineHeld>;
  /** Aborts when another host may have the engine. A new one after the next `take` that succeeds. */
  lost(): AbortSignal;
  /** Renews the lease no longer. It is not given back, since other workers of the host may be at work. */
  end(): void;
}

/**
 * Who this host is for the lease of an engine: processes that share a run journal, on one machine since it was started. Only
 * these can resume each other's runs and see each other's locks.
 */
export function hostName({ session, stateFile }: Pick<Remediation, 'session' | 'stateFile'>): string {
  return `${hostname().slice(0, 100)} ${shortHash(`${session.identity.machine}\n${stateFile}`)}`;
}

/** @param lease In seconds. It is renewed three times within that. */
export function holdEngine(swarm: Pick<Swarm, 'holdEngine'>, engine: string, host: string, lease: number): EngineHold {
  let loss = new AbortController();
  let heldUntil = 0;
  const timer = setInterval(renew, (lease * 1_000) / 3);
  timer.unref();

  async function take(): Promise<EngineHeld> {
    const asked = performance.now();
    const answer = await swarm.holdEngine(engine, host, lease);
    if (!answer.held) lose();
    else {
      heldUntil = asked + lease * 1_000;
      if (loss.signal.aborted) loss = new AbortController();
    }
    return answer;
  }

  function renew(): void {
    if (heldUntil === 0) return;
    // A store that does not answer now may answer next time, but a lease that was not renewed is over.
    take().catch(() => {
      if (performance.now() >= heldUntil) lose();
    });
  }

  function lose(): void {
    heldUntil = 0;
    loss.abort(
      new ProblemsError('lock-held', `Another host may work on the engine ${engine} now.`, {
        hint: 'One host at a time repairs on an engine. The run stops at its next safe point.',
      }),
    );
  }

  return { take, lost: () => loss.signal, end: () => clearInterval(timer) };
}
