import { z } from 'zod';
import type { ReadonlyHost } from '../../contract.ts';
import { settingsOf } from '../../shared/server-settings.ts';

/**
 * Which limit a server (or a pooler of ours) says has been reached. Only the first two are max_connections; a role's or
 * a database's own limit has the same SQLSTATE, 53300, and is mostly meant.
 * See docs/engineering/connections.md#refusals.
 */
export type LimitReached =
  /** Only the slots kept back for superusers (and `pg_use_reserved_connections`) are left. */
  | { readonly limit: 'ordinary-slots' }
  | { readonly limit: 'all-slots' }
  | { readonly limit: 'role' | 'database'; readonly name: string }
  | { readonly limit: 'pooler' };

const texts: readonly (readonly [RegExp, 'ordinary-slots' | 'all-slots' | 'pooler'])[] = [
  [/remaining connection slots are reserved for non-replication superuser connections/, 'ordinary-slots'],
  [/remaining connection slots are reserved for roles with the SUPERUSER attribute/, 'ordinary-slots'],
  [/remaining connection slots are reserved for roles with privileges of the "?\w+"? role/, 'ordinary-slots'],
  [/sorry, too many clients already/, 'all-slots'],
  [/no more connections allowed \(max_client_conn\)|query_wait_timeout/, 'pooler'],
];

/** A line of a log or an error's message; undefined where it speaks of something else. */
export function limitReached(text: string): LimitReached | undefined {
  const own = /too many connections for (role|database) "((?:[^"]|"")*)"/.exec(text);
  if (own !== null) return { limit: own[1] === 'role' ? 'role' : 'database', name: own[2] ?? '' };
  const found = texts.find(([pattern]) => pattern.test(text));
  return found === undefined ? undefined : { limit: found[1] };
}

/**
 * What a live instance must keep for its clients while a proof runs.
 * See docs/engineering/connections.md#proving-a-limit.
 */
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
export interface Observation {
  readonly limits: Limits;
  readonly ownLimits: readonly OwnLimit[];
  /** Oldest first; at least one. */
  readonly samples: readonly [Sample, ...Sample[]];
  /** Of the window that the settings name, oldest first. */
  readonly refused: readonly Refused[];
  /** What the container may use; fractions too. */
  readonly cpus: number;
}

export function lastSample({ samples }: Observation): Sample {
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

export const settings = z.strictObject({
  samples: z
    .int()
    .min(2)
    .max(120)
    .default(3)
    .describe('How often the sessions of an instance under pressure are read.'),
  secondsBetween: z.number().min(0.1).max(60).default(1).describe('Seconds between two readings.'),
  pressure: z
    .number()
    .min(0.1)
    .max(1)
    .default(0.85)
    .describe('Which share of the ordinary connection slots in use counts as pressure.'),
  logMinutes: z.number().min(1).max(1_440).default(5).describe('How many minutes of the log are read.'),
  stuckSeconds: z
    .number()
    .min(1)
    .max(86_400)
    .default(5)
    .describe('A session idle in a transaction for this long counts as stuck while slots are short.'),
  idleSeconds: z
    .number()
    .min(1)
    .max(86_400)
    .default(60)
    .describe('A pooled session idle for this long counts as surplus.'),
  idleInTransactionTimeoutSeconds: z
    .int()
    .min(60)
    .max(86_400)
    .default(300)
    .describe('The idle_in_transaction_session_timeout that a role with leaks is given.'),
  lockWaiters: z
    .int()
    .min(2)
    .max(10_000)
    .default(10)
    .describe('How many sessions waiting for one lock count as a pile-up.'),
  connectsPerSecond: z
    .number()
    .min(1)
    .max(100_000)
    .default(20)
    .describe('At this many new sessions a second, clients are assumed to open one for each request.'),
  maxEnded: z.int().min(1).max(10_000).default(500).describe('How many sessions one plan may end.'),
  poolerImage: z
    .string()
    .min(1)
    .exactOptional()
    .describe('The image of the PgBouncer to put in front. Default: none, and adding a pooler is left to you.'),
  poolMode: z
    .enum(['session', 'transaction'])
    .exactOptional()
    .describe('`session` in every case, or `transaction` because you know that clients keep no state in a session.'),
});

/** `remediation.settings.connection-pool` of the config. */
export type PoolSettings = z.output<typeof settings>;

/** @throws ProblemsError `bad-config`: the settings do not fit. */
export function poolSettings(host: Pick<ReadonlyHost, 'settings'>): PoolSettings {
  return settingsOf(host, 'connection-pool', settings);
}

/** What `plan` needs of a finding, and `verify` of a plan. Both may have been written by another process. */

const findingKinds = [
  'deliberate-limit',
  'lock-pile-up',
  'leak',
  'idle-leak',
  'oversized-pools',
  'load',
  'no-pooling',
  'undersized',
  'undetermined',
  /** Not even a superuser gets in: only the titles of the processes could be read. */
  'no-slot-left',
  /** A pooler of ours runs in front, and clients still go past it. */
  'past-the-pooler',
] as const;

export type FindingKind = (typeof findingKinds)[number];

export const details = z.strictObject({
  /** By id. */
  container: z.string(),
  kind: z.enum(findingKinds),
  /** Of a deliberate limit: `role app`. Empty otherwise. */
  subject: z.string(),
  used: z.int().nonnegative(),
  ordinary: z.int().nonnegative(),
});

export type PoolDetails = z.output<typeof details>;

export const expected = z.strictObject({
  /** The container's name. */
  name: z.string(),
  /** How many sessions must be there at once, those of its clients counted in, and as whom the others are held. */
  promised: z.int().positive(),
  /** How many sessions clients had that are to come back by themselves. */
  clients: z.int().nonnegative(),
  role: z.string(),
  database: z.string(),
  /** What every new session of a role must have; null where no role's setting changed. */
  timeout: z.strictObject({ roles: z.array(z.string()), seconds: z.int().positive() }).nullable(),
  /** Null where it stays as it was. */
  maxConnections: z.int().positive().nullable(),
  /** Of the data, where the server starts again on it; null where it goes on. */
  systemIdentifier: z.string().nullable(),
  /** The pooler's container, through which the sessions are held; null without one. */
  pooler: z.strictObject({ container: z.string(), port: z.int().positive() }).nullable(),
});

export type PoolExpected = z.output<typeof expected>;
