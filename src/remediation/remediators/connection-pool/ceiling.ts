import type { Instance } from '../../../host/types.ts';
import type { ReadonlyHost } from '../../contract.ts';
import { measureBackends, memoryOf, memorySettingNames } from '../../instances/memory.ts';
import { readServerSettings, type ServerSettings } from '../../instances/server-settings.ts';
import { type Ceiling, connectionCeiling, hostBudget, shareOfUnlimited } from '../../../tuning/index.ts';

export interface ServerCeiling {
  readonly ceiling: Ceiling;
  /** Bytes: the container's limit, or its share of the machine. */
  readonly memory: number;
  readonly isLimited: boolean;
  readonly settings: ServerSettings;
}

/** How many connections the memory of a server allows, from its own figures. PGOPS §2.4. */
export async function ceilingOf(instance: Instance, cpus: number, host: ReadonlyHost): Promise<ServerCeiling> {
  const [settings, backends, memory] = await Promise.all([
    readServerSettings(host, instance, memorySettingNames),
    measureBackends(host, instance),
    limitOf(instance, host),
  ]);
  const { facts } = memoryOf(settings, cpus, backends?.p95);
  return {
    ceiling: connectionCeiling({ ...facts, memory }),
    memory,
    isLimited: instance.container.memory > 0,
    settings,
  };
}

/** Of a server without a limit: its part of what the limits of all others leave. PGOPS §6.3. */
async function limitOf({ container }: Instance, host: ReadonlyHost): Promise<number> {
  if (container.memory > 0) return container.memory;
  const [{ memoryBytes }, containers] = await Promise.all([host.docker.info(), host.docker.containers()]);
  const members = containers
    .filter(({ id, state }) => state.running || id === container.id)
    .map(({ name, memory }) => ({ name, limit: memory }));
  const limits = members.reduce((sum, { limit }) => sum + limit, 0);
  return shareOfUnlimited(hostBudget(memoryBytes, members), limits);
}
