import { usableShare } from '../../../postgres/tuning/index.ts';
import type { Seen } from './types.ts';

export type TroubleKind =
  | 'oom-in-recovery'
  | 'start-refused'
  | 'oom-killed'
  | 'shared-buffers-over-limit'
  | 'worst-case-over-limit'
  | 'shm-too-small';

export interface Trouble {
  readonly kind: TroubleKind;
  /** What fills the limit: shared_buffers by themselves, or what all that work at once take beside them. */
  readonly cause: 'shared-buffers' | 'work';
}

/** What keeps it from running first, then what kills it, then what will. PGOPS §6.4. */
export function diagnose(seen: Seen): Trouble | undefined {
  const { limit, memory, running, signs } = seen;
  const has = (sign: string): boolean => signs.some((one) => one.sign === sign);
  const cause = fillsLimit(seen) ? 'shared-buffers' : 'work';
  if (!running && has('start-refused')) return { kind: 'start-refused', cause: 'shared-buffers' };
  if (!running && limit > 0 && wasKilledRecovering(seen)) return { kind: 'oom-in-recovery', cause };
  if (limit > 0 && (running ? wasKilled(seen) : endedByKill(seen))) return { kind: 'oom-killed', cause };
  // One that somebody has stopped is in no danger, and is not started for what may become of it.
  if (limit > 0 && running && memory !== undefined) {
    if (cause === 'shared-buffers') return { kind: 'shared-buffers-over-limit', cause };
    if (memory.worstCase.total > limit) return { kind: 'worst-case-over-limit', cause };
  }
  // With no parallel query there is nobody who would ask for it.
  if (running && has('shm-full') && memory?.parallelWorkersPerGather !== 0) return { kind: 'shm-too-small', cause };
  return undefined;
}

/** The buffers alone leave less than a fifth: they are not charged before they are touched, so the start succeeds. */
function fillsLimit({ limit, memory }: Seen): boolean {
  return limit > 0 && memory !== undefined && memory.facts.sharedMemory > usableShare * limit;
}

/** Signal 9 can be a person's: the engine's word, or a second time at the same place, makes it the kernel's. */
function wasKilledRecovering({ events, oomKilled, signs }: Seen): boolean {
  const killed = signs.filter(({ sign }) => sign === 'startup-killed').length;
  if (killed > 1) return true;
  return (events.length > 0 || oomKilled) && (killed > 0 || signs.some(({ sign }) => sign === 'recovering'));
}

/** The kernel took the first process of the container, and nobody started it again. */
function endedByKill({ oomKilled, exitCode }: Seen): boolean {
  return oomKilled && exitCode === 137;
}

/**
 * The counter begins anew with each start of the container, and a limit that was raised since lies above all that was
 * ever used: then the kill is an old story.
 */
function wasKilled({ use, limit, signs }: Seen): boolean {
  if (use === undefined || use.oomKills === 0) return false;
  const atThisLimit = use.peak === 0 || use.peak >= 0.98 * limit;
  return atThisLimit && signs.some(({ sign }) => sign === 'child-killed' || sign === 'startup-killed');
}
