import { z } from 'zod';
import type { EngineEvent } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import type { MemoryUse } from '../../../host/probes/types.ts';
import type { ReadonlyHost } from '../../contract.ts';
import { type InstanceMemory, memoryOf, memorySettingNames, numberOf } from '../../shared/memory.ts';
import { readServerSettings, settingsOf } from '../../shared/server-settings.ts';
import type { SignLine } from './log-patterns.ts';

export type ConditionKind =
  | 'oom-in-recovery'
  | 'start-refused'
  | 'oom-killed'
  | 'shared-buffers-over-limit'
  | 'worst-case-over-limit'
  | 'shm-too-small';

export interface Condition {
  readonly kind: ConditionKind;
  /** What fills the limit: shared_buffers alone, or also the memory of active sessions. */
  readonly cause: 'shared-buffers' | 'work';
}

/** The memory settings of a server as in effect, or as at its next start. Bytes. */
export interface ServerMemory extends InstanceMemory {
  readonly parallelWorkersPerGather: number;
  /** It replicates from another server. */
  readonly standby: boolean;
}

/**
 * From the server if it answers, else from its files and command line. Memory per backend is the formula's constant: a
 * measured value would make findings come and go.
 */
export async function serverMemory(
  instance: Instance,
  serves: boolean,
  cpus: number,
  host: ReadonlyHost,
): Promise<ServerMemory> {
  const names = [...memorySettingNames, 'max_parallel_workers_per_gather'];
  const [settings, standby] = await Promise.all([
    readServerSettings(host, instance, names, serves),
    host.docker.file(instance.container.id, `${instance.dataDirectory}/standby.signal`),
  ]);
  return {
    ...memoryOf(settings, cpus, undefined),
    parallelWorkersPerGather: numberOf(settings, 'max_parallel_workers_per_gather') ?? 2,
    standby: standby !== undefined,
  };
}

/** Bytes of a control group that the kernel cannot take back without swap: private and shared memory, no file cache. */
export function heldMemory({ anonymous, shared }: Pick<MemoryUse, 'anonymous' | 'shared'>): number {
  return anonymous + shared;
}

/** Memory of autovacuum workers: autovacuum_work_mem, or maintenance_work_mem. */
export function autovacuumWorkMem({ facts }: InstanceMemory): number {
  return facts.autovacuumWorkMem ?? facts.maintenanceWorkMem;
}

export const settings = z.strictObject({
  raise: z
    .enum(['within-budget', 'never'])
    .default('within-budget')
    .describe('Whether a limit may be raised if the machine has room. `never`: settings are lowered to fit the limit.'),
  noLimit: z
    .enum(['when-overcommitted', 'always', 'never'])
    .default('when-overcommitted')
    .describe(
      'When an instance without a limit is a finding. `when-overcommitted`: other containers have limits, and these together with its worst case exceed the memory of the machine.',
    ),
  loadSeconds: z
    .int()
    .min(0)
    .max(90)
    .default(15)
    .describe('How long the load of a verification lasts, after each client has done its work once.'),
  recentHours: z.number().positive().max(720).default(24).describe('For how many hours a kill counts.'),
});

/** `remediation.settings.memory` of the config. */
export type MemorySettings = z.output<typeof settings>;

/** @throws ProblemsError `bad-config`: invalid settings. */
export function memorySettings(host: Pick<ReadonlyHost, 'settings'>): MemorySettings {
  return settingsOf(host, 'memory', settings);
}

/** Details of a finding for `plan`, and of a plan for `verify`. Another process may have written both. */

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
  /** The container's id. */
  container: z.string(),
  kind: z.enum(kinds),
  cause: z.enum(['shared-buffers', 'work']),
  /** 0: none. */
  limit: bytes,
  /** null if unknown. */
  worstCase: bytes.nullable(),
  sharedMemory: bytes.nullable(),
});

export type MemoryDetails = z.output<typeof details>;

export const expected = z.strictObject({
  name: z.string(),
  /** The container's limit; 0: none. */
  limit: bytes,
  shmSize: bytes,
  /** Expected values; null: not set in postgresql.auto.conf. */
  settings: z.record(z.string(), z.string().nullable()),
  restartPolicy: z.strictObject({ name: z.string(), maximumRetryCount: z.int() }),
  /** From `pg_control`; null if that could not be read. */
  systemIdentifier: z.string().nullable(),
  /** The container before a recreate; null without a recreate. */
  aside: z.string().nullable(),
  /** The label `config-hash` that Compose gives the new container. Absent: it is not created by Compose. */
  composeHash: z.string().exactOptional(),
  load: z.strictObject({ clients: z.int(), seconds: z.int(), rows: z.int() }),
});

export type MemoryExpected = z.output<typeof expected>;

/** The observed state of one instance. */
export interface Observation {
  /** Bytes; 0: none. */
  readonly limit: number;
  readonly shmSize: number;
  /** A server is running, and its container is not in a restart loop. */
  readonly running: boolean;
  /** Undefined if there was no reason to read them. */
  readonly memory: ServerMemory | undefined;
  readonly use: MemoryUse | undefined;
  /** Recent signs since the container's last start, or, if it does not start, since it last did. */
  readonly signs: readonly SignLine[];
  /** Recent `oom` events of the engine for this container. */
  readonly events: readonly EngineEvent[];
  /** From the engine, for a container that has exited. */
  readonly oomKilled: boolean;
  readonly exitCode: number;
}
