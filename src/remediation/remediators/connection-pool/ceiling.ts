import type { Instance } from '../../../host/types.ts';
import type { ReadonlyHost } from '../../contract.ts';
import { bytesOf } from '../../instances/known-settings.ts';
import { readServerSettings, type ServerSettings } from '../../instances/server-settings.ts';
import {
  type Ceiling,
  connectionCeiling,
  hostBudget,
  type MemoryFacts,
  shareOfUnlimited,
  sharedMemoryOf,
} from '../../../tuning/index.ts';

export interface ServerCeiling {
  readonly ceiling: Ceiling;
  /** Bytes: the container's limit, or its share of the machine. */
  readonly memory: number;
  readonly isLimited: boolean;
  readonly settings: ServerSettings;
}

const names = [
  'max_connections',
  'shared_buffers',
  'shared_memory_size',
  'wal_buffers',
  'work_mem',
  'hash_mem_multiplier',
  'maintenance_work_mem',
  'autovacuum_work_mem',
  'autovacuum_max_workers',
] as const;

/** How many connections the memory of a server allows, from its own figures. PGOPS §2.4. */
export async function ceilingOf(instance: Instance, cpus: number, host: ReadonlyHost): Promise<ServerCeiling> {
  const [settings, backends, memory] = await Promise.all([
    readServerSettings(host, instance, names),
    host.probes.backends(instance),
    memoryOf(instance, host),
  ]);
  const facts = factsOf(settings, cpus, backends);
  return {
    ceiling: connectionCeiling({ ...facts, memory }),
    memory,
    isLimited: instance.container.memory > 0,
    settings,
  };
}

function factsOf(settings: ServerSettings, cpus: number, backends: readonly number[]): MemoryFacts {
  const sharedBuffers = bytesIn(settings, 'shared_buffers') ?? 128 * 2 ** 20;
  const whole = bytesIn(settings, 'shared_memory_size');
  const slots = numberIn(settings, 'max_connections') * 0.05 * 2 ** 20;
  const autovacuum =
    numberIn(settings, 'autovacuum_work_mem') < 0 ? undefined : bytesIn(settings, 'autovacuum_work_mem');
  return {
    cpus,
    sharedMemory: whole === undefined ? sharedMemoryOf(sharedBuffers) : Math.max(sharedBuffers, whole - slots),
    workMem: bytesIn(settings, 'work_mem') ?? 4 * 2 ** 20,
    hashMemMultiplier: numberIn(settings, 'hash_mem_multiplier') || 1,
    maintenanceWorkMem: bytesIn(settings, 'maintenance_work_mem') ?? 64 * 2 ** 20,
    autovacuumWorkMem: autovacuum,
    autovacuumMaxWorkers: numberIn(settings, 'autovacuum_max_workers') || 3,
    perBackend: backends[Math.ceil(backends.length * 0.95) - 1],
  };
}

/** Of a server without a limit: its part of what the limits of all others leave. PGOPS §6.3. */
async function memoryOf({ container }: Instance, host: ReadonlyHost): Promise<number> {
  if (container.memory > 0) return container.memory;
  const [{ memoryBytes }, containers] = await Promise.all([host.docker.info(), host.docker.containers()]);
  const members = containers
    .filter(({ id, state }) => state.running || id === container.id)
    .map(({ name, memory }) => ({ name, limit: memory }));
  const limits = members.reduce((sum, { limit }) => sum + limit, 0);
  return shareOfUnlimited(hostBudget(memoryBytes, members), limits);
}

function bytesIn({ values }: ServerSettings, name: string): number | undefined {
  const found = values.get(name);
  if (found === undefined) return undefined;
  const [, times = '1', unit = ''] = /^(\d*)([A-Za-z]+)$/.exec(found.unit ?? '') ?? [];
  const one = bytesOf(`${times || '1'}${unit}`);
  return one === undefined ? bytesOf(found.setting) : Number(found.setting) * one;
}

function numberIn({ values }: ServerSettings, name: string): number {
  const number = Number(values.get(name)?.setting);
  return Number.isFinite(number) ? number : 0;
}
