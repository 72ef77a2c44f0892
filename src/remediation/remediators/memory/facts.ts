import type { Instance } from '../../../host/instance.ts';
import type { ReadonlyHost } from '../../contract.ts';
import { type InstanceMemory, memoryOf, memorySettingNames, numberOf } from '../../shared/memory.ts';
import { readServerSettings } from '../../shared/server-settings.ts';

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
