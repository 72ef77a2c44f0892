import type { Instance } from '../../../host/instance.ts';
import { type Ceiling, connectionCeiling } from '../../../postgres/tuning/index.ts';
import type { ReadonlyHost } from '../../contract.ts';
import { memoryFor } from '../../instances/host-budget.ts';
import { measureBackends, memoryOf, memorySettingNames } from '../../shared/memory.ts';
import { readServerSettings, type ServerSettings } from '../../shared/server-settings.ts';

export interface ServerCeiling {
  readonly ceiling: Ceiling;
  /** Bytes: the container's limit, or its share of the machine. */
  readonly memory: number;
  readonly isLimited: boolean;
  readonly settings: ServerSettings;
}

/** How many connections the memory of a server allows, from its own figures. PGOPS §2.4. */
export async function ceilingOf(instance: Instance, cpus: number, host: ReadonlyHost): Promise<ServerCeiling> {
  const [settings, backends, { bytes: memory }] = await Promise.all([
    readServerSettings(host, instance, memorySettingNames),
    measureBackends(host, instance),
    memoryFor(instance.container, host),
  ]);
  const { facts } = memoryOf(settings, cpus, backends?.p95);
  return {
    ceiling: connectionCeiling({ ...facts, memory }),
    memory,
    isLimited: instance.container.memory > 0,
    settings,
  };
}
