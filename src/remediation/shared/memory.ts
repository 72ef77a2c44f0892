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
  /** Undefined of one that is no PostgreSQL. */
  readonly instance: Instance | undefined;
}

export interface MachineMemory {
  /** Bytes, all that the machine has. */
  readonly memoryBytes: number;
  /** As the engine gives its containers: sorted by name. */
  readonly members: readonly MemoryMember[];
}

/**
 * The containers that are promised memory of the machine: those that run, and instances that do not, since they may be
 * started at any time. All of the engine's, also where only some are looked at; our own short-lived helpers are left
 * out. See docs/engineering/memory.md#host-budget.
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
 * What is promised to them, and what is left. `worstCases`, by container id: what those without a limit may come to need,
 * where that is to count too. Default: limits alone.
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

/** The highest limit that the machine can promise to a container beside those of all others. Bytes, never negative. */
export async function promisableTo({ id }: Pick<Container, 'id'>, host: ReadonlyHost): Promise<number> {
  const { memoryBytes, members } = await machineMemory(host);
  const others = members.filter(({ container }) => container.id !== id);
  return Math.max(0, Math.floor(budgetOf({ memoryBytes, members: others }).left));
}

/** The limit of a container; without one a fair share of the machine, or all of it where nobody else is there. Bytes. */
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

/** The settings that the worst case depends on. */
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

/** What an instance uses and could come to use, with its settings as they are. Sizes in bytes. */
export interface InstanceMemory {
  readonly maxConnections: number;
  readonly sharedBuffers: number;
  readonly facts: MemoryFacts;
  readonly worstCase: WorstCase;
}

/** With PostgreSQL's own defaults where nothing is said. See docs/engineering/memory.md#worst-case. */
export function memoryOf(settings: ServerSettings, cpus: number, perBackend: number | undefined): InstanceMemory {
  const maxConnections = numberOf(settings, 'max_connections') ?? 100;
  const sharedBuffers = bytesOf(settings, 'shared_buffers') ?? 128 * MiB;
  const measured = bytesOf(settings, 'shared_memory_size');
  const facts: MemoryFacts = {
    cpus,
    // The server says it with its slots, which are reckoned with the connections.
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

/** Bytes; undefined where nothing is said, and for -1. */
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
  /** Bytes: 95 % of them have no more. */
  readonly p95: number;
}

/** Below it one session decides. */
const fewestBackends = 5;

/** Undefined where the instance does not run, or too few sessions are there to tell. */
export async function measureBackends(host: ReadonlyHost, instance: Instance): Promise<BackendMemory | undefined> {
  if (!instance.container.state.running) return undefined;
  const sizes = await host.probes.sessionMemory(instance).catch(() => []);
  const p95 = sizes[Math.ceil(sizes.length * 0.95) - 1];
  return p95 === undefined || sizes.length < fewestBackends ? undefined : { backends: sizes.length, p95 };
}
