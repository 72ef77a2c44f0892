import type { LimitReached } from './wordings.ts';

/** What a live instance must keep for its clients while a proof runs. PGOPS §2.7. */
export const spared = 5;

/** One client session as the server shows it. Ages in milliseconds; null where it has none. */
export interface Session {
  readonly pid: number;
  /** With the pid it is one session for ever: pids come again. As PostgreSQL prints it. */
  readonly backendStart: string;
  readonly database: string;
  readonly role: string;
  readonly application: string;
  /** Empty over the socket. */
  readonly client: string;
  /** `active`, `idle`, `idle in transaction`, `idle in transaction (aborted)`, … */
  readonly state: string;
  readonly stateMs: number | null;
  readonly transactionMs: number | null;
  readonly sessionMs: number;
  readonly waitType: string;
  readonly waitEvent: string;
  /** Its transaction has an id: ending it throws work away. */
  readonly wrote: boolean;
  /** Of one that waits for a lock. */
  readonly blockedBy: readonly number[];
  /** A superuser or a replication role: never ended, and not bound by ordinary slots. */
  readonly privileged: boolean;
  readonly advisory: boolean;
  readonly queryHash: string;
}

export interface Sample {
  /** Milliseconds since the first sample. */
  readonly afterMs: number;
  readonly sessions: readonly Session[];
  /** Sessions opened since the statistics began, by pg_stat_database; null before PostgreSQL 14. */
  readonly opened: number | null;
}

export interface Limits {
  readonly maxConnections: number;
  /** For superusers, and from 16 on for `pg_use_reserved_connections`. */
  readonly reserved: number;
  readonly standby: boolean;
  readonly prepared: number;
  /** Standbys, and others that stream its WAL. */
  readonly replicas: number;
  /** Sessions whose client vanished, by pg_stat_database; null before PostgreSQL 14. */
  readonly abandoned: number | null;
  readonly major: number;
}

/** A limit of a role or a database. */
export interface OwnLimit {
  readonly kind: 'role' | 'database';
  readonly name: string;
  readonly allowed: number;
}

/** A session that was refused: by a line of the log, or one of our own. */
export interface Refused {
  /** RFC 3339. */
  readonly at: string;
  readonly text: string;
  readonly reached: LimitReached;
}

/** All that a diagnosis rests on. */
export interface Measured {
  readonly limits: Limits;
  readonly ownLimits: readonly OwnLimit[];
  /** Oldest first; at least one. */
  readonly samples: readonly [Sample, ...Sample[]];
  /** Of the window that the settings name, oldest first. */
  readonly refused: readonly Refused[];
  /** What the container may use; fractions too. */
  readonly cpus: number;
}

export function lastSample({ samples }: Measured): Sample {
  return samples.at(-1) ?? samples[0];
}

/** Slots that an ordinary role can have. */
export function ordinarySlots({ maxConnections, reserved }: Limits): number {
  return Math.max(1, maxConnections - reserved);
}

/** The same session in two samples. */
export function identity({ pid, backendStart }: Session): string {
  return `${pid} ${backendStart}`;
}
