import type { Refusal } from '../../contract.ts';
import { poolerPort } from '../../shared/availability.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { rootLine } from './describe.ts';
import type { Diagnosis } from './diagnose.ts';
import { lastSample, type Observation, type Refused } from './types.ts';

/** Problems that are not repaired automatically, with what you can do. */
export function refusalFor(
  diagnosis: Diagnosis & { readonly kind: 'deliberate-limit' | 'lock-pile-up' | 'undetermined' },
  instance: string,
  measured: Observation,
): Refusal {
  switch (diagnosis.kind) {
    case 'deliberate-limit': {
      const { kind, name, allowed } = diagnosis.limit;
      return refusal(
        `The ${kind} ${name} of ${instance} may have ${allowed} sessions, and has ${diagnosis.used}. Someone set that limit, usually to protect other clients of the server. It is independent of max_connections, so raising that would not help.`,
        `Ask who set it. If it is too low: ALTER ${kind.toUpperCase()} "${name.replaceAll('"', '""')}" CONNECTION LIMIT <more>, or use a smaller pool in its application.`,
      );
    }
    case 'lock-pile-up': {
      const { sessions } = lastSample(measured);
      return refusal(
        `Sessions of ${instance} wait for a lock: ${rootLine(diagnosis, sessions)}. More connections would only let more sessions wait.`,
        diagnosis.root === 0
          ? 'Check pg_prepared_xacts, and commit or roll back the forgotten prepared transactions.'
          : `Find out what pid ${diagnosis.root} is doing (SELECT * FROM pg_stat_activity WHERE pid = ${diagnosis.root}). If it may be ended, run: SELECT pg_terminate_backend(${diagnosis.root}). A lock_timeout for migrations prevents this.`,
      );
    }
    case 'undetermined':
      return refusal(
        `Nearly all slots of ${instance} are in use, and the cause is unclear.`,
        'Check who holds them (the evidence lists roles, applications, states and ages), and run `problems detect` again in a few minutes.',
      );
  }
}

/** A slot more would not let this login in. */
export function refusalWithoutSlot(instance: string, user: string, { text }: Refused): Refusal {
  return refusal(
    `${instance} refuses ${user}: ${text}. One slot more would not let it in.`,
    `Connect as a superuser, or raise the limit of ${user} if the message names one. Until then, stop one of the clients in the evidence, and run \`problems detect\` again.`,
  );
}

export function refusalWithoutIdle(instance: string): Refusal {
  return refusal(
    `All slots of ${instance} are in use, superuser-reserved ones included, and no process title shows an idle session. Ending a working one would break its request.`,
    'Stop one of the clients in the evidence, then run `problems detect` again. If you cannot stop any client: kill -TERM one backend of an ordinary role inside the container (never kill -9, which restarts the whole server).',
  );
}

export function refusalPastPooler(instance: string, pooler: string): Refusal {
  return refusal(
    `${instance} has the pooler ${pooler}, but clients still connect directly to the server.`,
    `Switch them to ${pooler}, port ${poolerPort}, with the same role, password and database.`,
  );
}
