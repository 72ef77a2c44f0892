import { z } from 'zod';

/** What `plan` needs of a finding, and `verify` of a plan. Both may have been written by another process. */

const binding = z.strictObject({
  containerPort: z.int().min(1).max(65_535),
  protocol: z.string(),
  hostIp: z.string(),
  /** As declared: a port or a range. */
  hostPort: z.string(),
});

export const details = z.strictObject({
  container: z.string(),
  /** The port that the instance cannot have. */
  port: z.int().min(1).max(65_535),
  /** The publications of that port. */
  bindings: z.array(binding).min(1).max(50),
  trouble: z.enum(['taken', 'free-again', 'stale', 'address-missing', 'reserved']),
  /** In words. */
  holder: z.string(),
  /** It tried to start and failed, or runs: it is to run afterwards. One that somebody stopped is stopped again. */
  wanted: z.boolean(),
});

export type PortDetails = z.output<typeof details>;

export const expected = z.strictObject({
  name: z.string(),
  port: z.int(),
  /** As they are to be. */
  bindings: z.array(binding),
  restartPolicy: z.strictObject({ name: z.string(), maximumRetryCount: z.int() }),
  /** The container stays the one it was: it is only started. */
  same: z.boolean(),
  /** As `pg_control` has it; null where that could not be read. */
  systemIdentifier: z.string().nullable(),
  /** Sorted names; null where they could not be asked for, as of an instance that does not run. */
  databases: z.array(z.string()).nullable(),
});

export type PortExpected = z.output<typeof expected>;

export const databasesQuery = 'SELECT datname FROM pg_catalog.pg_database ORDER BY datname COLLATE "C"';
