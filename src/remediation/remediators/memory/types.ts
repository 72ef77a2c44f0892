import { z } from 'zod';
import type { EngineEvent } from '../../../host/docker/types.ts';
import type { MemoryUse } from '../../../host/probes/types.ts';
import type { Trouble } from './diagnose.ts';
import type { ServerMemory } from './facts.ts';
import type { SignLine } from './log-patterns.ts';

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

/** What was seen of one instance. */
export interface Seen {
  /** Bytes; 0: none. */
  readonly limit: number;
  readonly shmSize: number;
  /** A server runs, and its container is not one that the engine keeps restarting. */
  readonly running: boolean;
  /** Undefined where there is no reason to ask. */
  readonly memory: ServerMemory | undefined;
  readonly use: MemoryUse | undefined;
  /** Since the container's last start, or, of one that does not come up, since it last did. Recent ones. */
  readonly signs: readonly SignLine[];
  /** `oom` of the engine for this container, recent ones. */
  readonly events: readonly EngineEvent[];
  /** As the engine has them, of a container that has ended. */
  readonly oomKilled: boolean;
  readonly exitCode: number;
}

export interface Look {
  readonly seen: Seen;
  readonly trouble: Trouble | undefined;
}
