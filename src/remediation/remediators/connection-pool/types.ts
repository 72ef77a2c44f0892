import { z } from 'zod';
import type { ReadonlyHost } from '../../contract.ts';
import { settingsOf } from '../../shared/server-settings.ts';
import type { ClientPlace } from './client-pools.ts';

/**
 * Which limit was reached, according to the server or our pooler. Only the first two are max_connections; the limit of a
 * role or database has the same SQLSTATE, 53300, and is usually deliberate.
 * See docs/engineering/connections.md#refusals.
 */
export type LimitReached =
  /** Only slots reserved for superusers (and `pg_use_reserved_connections`) are left. */
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

/** Parses a log line or an error message; undefined for any other text. */
export function limitReached(text: string): LimitReached | undefined {
  const own = /too many connections for (role|database) "((?:[^"]|"")*)"/.exec(text);
  if (own !== null) return { limit: own[1] === 'role' ? 'role' : 'database', name: own[2] ?? '' };
  const found = texts.find(([pattern]) => pattern.test(text));
  return found === undefined ? undefined : { limit: found[1] };
}

/**
 * Slots that a live instance must keep for its clients during a verification.
 * See docs/engineering/connections.md#proving-a-limit.
 */
export const spared = 5;

/** One client session as the server shows it. Ages in milliseconds; null where it has none. */
export interface Session {
  readonly pid: number;
  /** Together with the pid it identifies a session, since pids are reused. As PostgreSQL prints it. */
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
  /** Its transaction has an id: ending it rolls back changes. */
  readonly wrote: boolean;
  /** Of a session that waits for a lock. */
  readonly blockedBy: readonly number[];
  /** A superuser or a replication role: never ended, and not bound by ordinary slots. */
  readonly privileged: boolean;
  readonly advisory: boolean;
  readonly queryHash: string;
  /** RFC 3339: when its transaction began, or, without one, when it was last active. Empty if unknown. */
  readonly since: string;
  /** What it runs, or ran last, if it has a transaction or an advisory lock; else empty. May contain secrets. */
  readonly statement: string;
  /** Its last statement is LISTEN: it is idle on purpose. */
  readonly listens: boolean;
  /** The container at its address, in words; empty if none of a common network has it. */
  readonly place: string;
}

export interface Sample {
  /** Milliseconds since the first sample. */
  readonly afterMs: number;
  readonly sessions: readonly Session[];
  /** Sessions opened since the statistics were reset, from pg_stat_database; null before PostgreSQL 14. */
  readonly opened: number | null;
}

export interface Limits {
  readonly maxConnections: number;
  /** For superusers, and from 16 on for `pg_use_reserved_connections`. */
  readonly reserved: number;
  readonly standby: boolean;
  readonly prepared: number;
  /** Standbys and other WAL receivers. */
  readonly replicas: number;
  /** Sessions abandoned by their client, from pg_stat_database; null before PostgreSQL 14. */
  readonly abandoned: number | null;
  readonly major: number;
}

/** A limit of a role or a database. */
export interface OwnLimit {
  readonly kind: 'role' | 'database';
  readonly name: string;
  readonly allowed: number;
}

/** A refused session, from the log or our own attempt. */
export interface Refused {
  /** RFC 3339. */
  readonly at: string;
  readonly text: string;
  readonly reached: LimitReached;
}

/** The data for a diagnosis. */
export interface Observation {
  readonly limits: Limits;
  readonly ownLimits: readonly OwnLimit[];
  /** Oldest first; at least one. */
  readonly samples: readonly [Sample, ...Sample[]];
  /** Within `logMinutes` of the settings, oldest first. */
  readonly refused: readonly Refused[];
  /** CPUs that the container may use; may be fractional. */
  readonly cpus: number;
  /** Clients that are containers, by address. Empty if nothing looked wrong. */
  readonly places: ReadonlyMap<string, ClientPlace>;
}

export function lastSample({ samples }: Observation): Sample {
  return samples.at(-1) ?? samples[0];
}

/** Slots for ordinary roles. */
export function ordinarySlots({ maxConnections, reserved }: Limits): number {
  return Math.max(1, maxConnections - reserved);
}

/** Whether every sample found all slots in use. */
export function isFull({ samples, limits }: Observation): boolean {
  return samples.every(({ sessions }) => sessions.length >= ordinarySlots(limits));
}

/** Identifies a session across samples. */
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
  idleSessionTimeoutSeconds: z
    .int()
    .min(60)
    .max(86_400)
    .default(600)
    .describe('The idle_session_timeout that a role with unused sessions is given (from PostgreSQL 14).'),
  lockWaiters: z
    .int()
    .min(2)
    .max(10_000)
    .default(3)
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

/** @throws ProblemsError `bad-config`: invalid settings. */
export function poolSettings(host: Pick<ReadonlyHost, 'settings'>): PoolSettings {
  return settingsOf(host, 'connection-pool', settings);
}

/** Details of a finding for `plan`, and of a plan for `verify`. Another process may have written both. */

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
  /** Even superusers are refused, so only process titles could be read. */
  'no-slot-left',
  /** Our pooler is running, and clients bypass it. */
  'past-the-pooler',
] as const;

export type FindingKind = (typeof findingKinds)[number];

export const details = z.strictObject({
  /** The container's id. */
  container: z.string(),
  kind: z.enum(findingKinds),
  /** For a deliberate limit: `role app`. Empty otherwise. */
  subject: z.string(),
  used: z.int().nonnegative(),
  ordinary: z.int().nonnegative(),
});

export type PoolDetails = z.output<typeof details>;

export const expected = z.strictObject({
  /** The container's name. */
  name: z.string(),
  /** How many sessions must be possible at once, including those of clients, and the role for the additional ones. */
  promised: z.int().positive(),
  /** How many sessions clients had, which should reconnect by themselves. */
  clients: z.int().nonnegative(),
  role: z.string(),
  database: z.string(),
  /** The timeout that new sessions of a role must have; null if no role's setting changed. */
  timeout: z
    .strictObject({
      name: z.enum(['idle_in_transaction_session_timeout', 'idle_session_timeout']),
      roles: z.array(z.string()),
      seconds: z.int().positive(),
    })
    .nullable(),
  /** Null if unchanged. */
  maxConnections: z.int().positive().nullable(),
  /** System identifier, if the server restarts; null otherwise. */
  systemIdentifier: z.string().nullable(),
  /** The pooler's container, through which the sessions are opened; null without one. */
  pooler: z.strictObject({ container: z.string(), port: z.int().positive() }).nullable(),
  /** Only a slot was gained, so that the server can be asked. */
  slot: z.literal(true).exactOptional(),
});

export type PoolExpected = z.output<typeof expected>;

export type TimeoutName = NonNullable<PoolExpected['timeout']>['name'];
