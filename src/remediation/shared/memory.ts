import type { Container } from '../../host/docker/types.ts';
import type { Instance } from '../../host/instance.ts';
import {
  type HostBudget,
  hostBudget,
  type MemoryFacts,
  parseSize,
  sharedMemoryOf,
  shareOfUnlimited,
  type TuningFacts,
  type WorstCase,
  worstCaseOf,
} from '../../postgres/tuning/index.ts';
import type { ReadonlyHost } from '../contract.ts';
import type { ServerSettings } from './server-settings.ts';

/** A container whose limit counts against the machine's memory. */
export interface MemoryMember {
  readonly container: Container;
  /** Undefined if the container is not PostgreSQL. */
  readonly instance: Instance | undefined;
}

export interface MachineMemory {
  /** The machine's memory in bytes. */
  readonly memoryBytes: number;
  /** Sorted by name. */
  readonly members: readonly MemoryMember[];
}

/**
 * The containers that count against the machine's memory: running ones, and stopped instances, since they may be started
 * at any time. All containers of the engine, even if only some instances are checked, except our own short-lived helpers.
 * See docs/engineering/memory.md#host-budget.
 */
export async function machineMemory(host: ReadonlyHost): Promise<MachineMemory> {
  const [{ memoryBytes }, containers, instances] = await Promise.all([
    host.docker.info(),
    host.docker.containers(),
    host.instances({ all: true }),
  ]);
  const byId = new Map(instances.map((instance) => [instance.container.id, instance]));
  return {
    memoryBytes,
    members: containers
      .filter(({ id, state, helper }) => byId.has(id) || (state.running && helper !== true))
      .map((container) => ({ container, instance: byId.get(container.id) })),
  };
}

/**
 * What they may use in total, and what is left. `worstCases`, by container id: what containers without a limit may need.
 * Default: only limits count.
 */
export function budgetOf(
  { memoryBytes, members }: MachineMemory,
  worstCases: ReadonlyMap<string, number> = new Map(),
): HostBudget {
  return hostBudget(
    memoryBytes,
    members.map(({ container: { id, name, memory } }) => {
      const worstCase = worstCases.get(id);
      return { name, limit: memory, ...(worstCase === undefined ? {} : { worstCase }) };
    }),
  );
}

/** The highest limit that fits into the machine's budget next to those of all others. Bytes, never negative. */
export async function promisableTo({ id }: Pick<Container, 'id'>, host: ReadonlyHost): Promise<number> {
  const { memoryBytes, members } = await machineMemory(host);
  const others = members.filter(({ container }) => container.id !== id);
  return Math.max(0, Math.floor(budgetOf({ memoryBytes, members: others }).left));
}

/** The limit of a container; without one an equal share of the machine, or all of it if it is alone. Bytes. */
export async function memoryFor(
  { id, memory: limit }: Pick<Container, 'id' | 'memory'>,
  host: ReadonlyHost,
): Promise<{ readonly bytes: number; readonly is: TuningFacts['memoryIs'] }> {
  if (limit > 0) return { bytes: limit, is: 'limit' };
  const machine = await machineMemory(host);
  if (machine.members.every(({ container }) => container.id === id))
    return { bytes: machine.memoryBytes, is: 'machine' };
  const budget = budgetOf(machine);
  return { bytes: shareOfUnlimited(budget, budget.promised), is: 'share' };
}

const MiB = 2 ** 20;

/** The settings on which the worst case depends. */
export const memorySettingNames = [
  'max_connections',
  'shared_buffers',
  'wal_buffers',
  'work_mem',
  'hash_mem_multiplier',
  'maintenance_work_mem',
  'autovacuum_work_mem',
  'autovacuum_max_workers',
  'shared_memory_size',
] as const;

/** What an instance uses, and its worst case with its present settings. Sizes in bytes. */
export interface InstanceMemory {
  readonly maxConnections: number;
  readonly sharedBuffers: number;
  readonly facts: MemoryFacts;
  readonly worstCase: WorstCase;
}

/** Uses PostgreSQL's defaults for missing settings. See docs/engineering/memory.md#worst-case. */
export function memoryOf(settings: ServerSettings, cpus: number, perBackend: number | undefined): InstanceMemory {
  const maxConnections = numberOf(settings, 'max_connections') ?? 100;
  const sharedBuffers = bytesOf(settings, 'shared_buffers') ?? 128 * MiB;
  const measured = bytesOf(settings, 'shared_memory_size');
  const facts: MemoryFacts = {
    cpus,
    // The server includes its connection slots, which are counted with the connections.
    sharedMemory:
      measured === undefined
        ? sharedMemoryOf(sharedBuffers, bytesOf(settings, 'wal_buffers'))
        : Math.max(sharedBuffers, measured - maxConnections * 0.05 * MiB),
    workMem: bytesOf(settings, 'work_mem') ?? 4 * MiB,
    hashMemMultiplier: hashMemMultiplierOf(settings),
    maintenanceWorkMem: bytesOf(settings, 'maintenance_work_mem') ?? 64 * MiB,
    autovacuumWorkMem: bytesOf(settings, 'autovacuum_work_mem'),
    autovacuumMaxWorkers: numberOf(settings, 'autovacuum_max_workers') ?? 3,
    perBackend,
  };
  return { maxConnections, sharedBuffers, facts, worstCase: worstCaseOf(facts, maxConnections) };
}

export function hashMemMultiplierOf(settings: ServerSettings): number {
  return numberOf(settings, 'hash_mem_multiplier') ?? ((settings.major ?? 15) >= 15 ? 2 : 1);
}

/** Bytes; undefined if missing or -1. */
function bytesOf({ values }: ServerSettings, name: string): number | undefined {
  const found = values.get(name);
  return found === undefined ? undefined : parseSize(found.setting, found.unit);
}

export function numberOf({ values }: ServerSettings, name: string): number | undefined {
  const text = values.get(name)?.setting;
  const value = Number(text);
  return text === undefined || text.trim() === '' || !Number.isFinite(value) ? undefined : value;
}

export interface BackendMemory {
  readonly backends: number;
  /** Bytes: the 95th percentile. */
  readonly p95: number;
}

/** With fewer sessions, a single one would decide the percentile. */
const fewestBackends = 5;

/** Undefined if the instance is not running or has too few sessions to measure. */
export async function measureBackends(host: ReadonlyHost, instance: Instance): Promise<BackendMemory | undefined> {
  if (!instance.container.state.running) return undefined;
  const sizes = await host.probes.sessionMemory(instance).catch(() => []);
  const p95 = sizes[Math.ceil(sizes.length * 0.95) - 1];
  return p95 === undefined || sizes.length < fewestBackends ? undefined : { backends: sizes.length, p95 };
}
