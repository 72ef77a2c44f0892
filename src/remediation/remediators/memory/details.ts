import { z } from 'zod';

/** What `plan` needs of a finding, and `verify` of a plan. Both may have been written by another process. */

const kinds = [
  'oom-in-recovery',
  'start-refused',
  'oom-killed',
  'shared-buffers-over-limit',
  'worst-case-over-limit',
  'shm-too-small',
  'no-limit',
  'host-overcommitted',
] as const;

const bytes = z.number().nonnegative();

export const details = z.strictObject({
  /** By id. */
  container: z.string(),
  kind: z.enum(kinds),
  cause: z.enum(['shared-buffers', 'work']),
  /** 0: none. */
  limit: bytes,
  /** null where nobody could say. */
  worstCase: bytes.nullable(),
  sharedMemory: bytes.nullable(),
});

export type MemoryDetails = z.output<typeof details>;

export const expected = z.strictObject({
  name: z.string(),
  /** Of the container; 0: none. */
  limit: bytes,
  shmSize: bytes,
  /** Values that are to be in force; null: not from postgresql.auto.conf. */
  settings: z.record(z.string(), z.string().nullable()),
  restartPolicy: z.strictObject({ name: z.string(), maximumRetryCount: z.int() }),
  /** As `pg_control` has it; null where that could not be read. */
  systemIdentifier: z.string().nullable(),
  /** The container before a recreate; null where it stays the same. */
  aside: z.string().nullable(),
  load: z.strictObject({ clients: z.int(), seconds: z.int(), rows: z.int() }),
});

export type MemoryExpected = z.output<typeof expected>;
