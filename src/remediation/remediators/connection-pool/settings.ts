import { z } from 'zod';
import type { ReadonlyHost } from '../../contract.ts';
import { settingsOf } from '../../instances/settings.ts';

const settings = z.strictObject({
  /** How often an instance under pressure is looked at. Default 3. */
  samples: z.int().min(2).max(120).default(3),
  /** Between two looks. Default 1. */
  secondsBetween: z.number().min(0.1).max(60).default(1),
  /** Which share of the ordinary slots is pressure. Default 0.85. */
  pressure: z.number().min(0.1).max(1).default(0.85),
  /** How far back the log is read. Default 5. */
  logMinutes: z.number().min(1).max(1_440).default(5),
  /** For how long a session has to do nothing inside a transaction to be called stuck while slots are short. Default 5. */
  stuckSeconds: z.number().min(1).max(86_400).default(5),
  /** For how long a session of a pool has to do nothing to be one too many. Default 60. */
  idleSeconds: z.number().min(1).max(86_400).default(60),
  /** What a leaking role is given as idle_in_transaction_session_timeout. Default 300. */
  idleInTransactionTimeoutSeconds: z.int().min(60).max(86_400).default(300),
  /** How many sessions may wait for one lock before it is a pile-up. Default 10. */
  lockWaiters: z.int().min(2).max(10_000).default(10),
  /** New sessions a second from which on clients are taken to open one for each request. Default 20. */
  connectsPerSecond: z.number().min(1).max(100_000).default(20),
  /** How many sessions a plan may end. Default 500. */
  maxEnded: z.int().min(1).max(10_000).default(500),
  /** The image of a PgBouncer that is put in front. Default: none, and then a person is asked. */
  poolerImage: z.string().min(1).exactOptional(),
  /** `session` whatever is seen, or `transaction` because somebody knows that clients keep nothing in their session. */
  poolMode: z.enum(['session', 'transaction']).exactOptional(),
});

/** `remediation.settings.connection-pool` of the config. */
export type PoolSettings = z.output<typeof settings>;

/** @throws ProblemsError `bad-config`: the settings do not fit. */
export function poolSettings(host: Pick<ReadonlyHost, 'settings'>): PoolSettings {
  return settingsOf(host, 'connection-pool', settings);
}
