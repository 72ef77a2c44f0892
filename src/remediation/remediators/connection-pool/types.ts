import { z } from 'zod';

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
