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
  /** What fills the limit: shared_buffers by themselves, or what all that work at once take beside them. */
  readonly cause: 'shared-buffers' | 'work';
}

/** The memory settings of a server as they are in force, or would be at its next start. Bytes. */
export interface ServerMemory extends InstanceMemory {
  readonly parallelWorkersPerGather: number;
  /** It follows another server. */
  readonly standby: boolean;
}

/**
 * Of the server where it answers, of its files and its command line where it does not. What a backend takes is the
 * formula's own figure: one that was measured now would make a finding come and go with the hour.
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

/** What autovacuum's workers take: their own setting, or that of maintenance. */
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

/** @throws ProblemsError `bad-config`: the settings do not fit. */
export function memorySettings(host: Pick<ReadonlyHost, 'settings'>): MemorySettings {
  return settingsOf(host, 'memory', settings);
}

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
export interface Observation {
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
