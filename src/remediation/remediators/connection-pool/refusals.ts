import type { Refusal } from '../../contract.ts';
import { poolerPort } from '../../shared/availability.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { type Diagnosis, nameOf, rootLine } from './diagnose.ts';
import { lastSample, type Observation } from './types.ts';

/** What no program repairs, with what a person can do. */
export function refusalFor(
  diagnosis: Diagnosis & { readonly kind: 'deliberate-limit' | 'lock-pile-up' | 'idle-leak' | 'undetermined' },
  instance: string,
  measured: Observation,
): Refusal {
  switch (diagnosis.kind) {
    case 'deliberate-limit': {
      const { kind, name, allowed } = diagnosis.limit;
      return refusal(
        `The ${kind} ${name} of ${instance} may have ${allowed} sessions, and has ${diagnosis.used}. Somebody set that limit, mostly to keep the rest of the server free: it is not max_connections, and raising that would change nothing.`,
        `Ask who set it. If it is too low: ALTER ${kind.toUpperCase()} "${name.replaceAll('"', '""')}" CONNECTION LIMIT <more>, or a smaller pool in its application.`,
      );
    }
    case 'lock-pile-up': {
      const { sessions } = lastSample(measured);
      return refusal(
        `Sessions of ${instance} wait for a lock: ${rootLine(diagnosis, sessions)}. More connections would let more of them wait.`,
        diagnosis.root === 0
          ? 'Look at pg_prepared_xacts, and commit or roll back what was forgotten there.'
          : `Look what pid ${diagnosis.root} does (SELECT * FROM pg_stat_activity WHERE pid = ${diagnosis.root}) and end it if it may be ended: SELECT pg_terminate_backend(${diagnosis.root}). A lock_timeout for migrations keeps it from happening again.`,
      );
    }
    case 'idle-leak':
      return refusal(
        `${diagnosis.idle} sessions of ${instance} were used once, one after the other, and never closed. Neither more slots nor a pooler mends a client that forgets its sessions.`,
        `Mend or restart the client: ${diagnosis.holders.slice(0, 3).map(nameOf).join('; ')}. Until then, idle_session_timeout for its role ends what it forgets.`,
      );
    case 'undetermined':
      return refusal(
        `The slots of ${instance} are nearly all taken, and nothing that was seen says why.`,
        'Look at who has them (the evidence lists roles, applications, states and ages) and detect again in some minutes.',
      );
  }
}

export function refusalWithoutSlot(instance: string): Refusal {
  return refusal(
    `All slots of ${instance} are taken, those for superusers too, so nothing can be asked of it or changed on it with certainty. Processes are not ended by their titles alone.`,
    'Stop one of the clients that the evidence counts, then detect again. If no client can be stopped: kill -TERM (never -9, which restarts the whole server) one process of an ordinary role inside the container.',
  );
}

export function refusalPastPooler(instance: string, pooler: string): Refusal {
  return refusal(
    `The pooler ${pooler} stands in front of ${instance}, and clients still go to the server itself.`,
    `Let them connect to ${pooler}, port ${poolerPort}, with the same role, password and database.`,
  );
}
