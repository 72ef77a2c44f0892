import type { Instance, SqlResult } from '../../../host/types.ts';
import { parseSize, sharedMemoryOf, type MemoryFacts, type WorstCase, worstCase } from '../../../tuning/index.ts';
import type { ReadonlyHost } from '../../contract.ts';

/** The memory settings of a server as they are in force, or would be at its next start. Bytes. */
export interface ServerMemory {
  readonly connections: number;
  readonly sharedBuffers: number;
  readonly workMem: number;
  readonly maintenanceWorkMem: number;
  /** As maintenance_work_mem where it is left to that. */
  readonly autovacuumWorkMem: number;
  readonly autovacuumMaxWorkers: number;
  readonly hashMemMultiplier: number;
  readonly parallelWorkersPerGather: number;
  readonly facts: MemoryFacts;
  readonly worst: WorstCase;
  /** Where each value comes from, of a server that answered. */
  readonly sources: Readonly<Record<string, string>>;
  /** It follows another server. */
  readonly standby: boolean;
}

/** With the unit in which `postgres -C` prints it. */
const units = {
  max_connections: '',
  shared_buffers: '8kB',
  work_mem: 'kB',
  maintenance_work_mem: 'kB',
  autovacuum_work_mem: 'kB',
  autovacuum_max_workers: '',
  hash_mem_multiplier: '',
  max_parallel_workers_per_gather: '',
} as const;

const names = Object.keys(units);

const question = `SELECT name, setting, unit, source, pg_catalog.pg_is_in_recovery()::text AS standby FROM pg_catalog.pg_settings
WHERE name IN (${[...names, 'shared_memory_size'].map((name) => `'${name}'`).join(', ')})`;

/** Of a server that answers. Undefined with the reason where it does not. */
export async function askServer(
  instance: Instance,
  cpus: number,
  host: ReadonlyHost,
): Promise<ServerMemory | { readonly refused: string }> {
  const answer: SqlResult = await host.sql.query(instance, question, { timeoutMs: 5_000 });
  if (!answer.ok) return { refused: answer.message };
  const rows = new Map(answer.rows.map((row) => [row['name'] ?? '', row]));
  return memoryOf(
    (name) => {
      const row = rows.get(name);
      return row === undefined ? undefined : { setting: row['setting'] ?? '', unit: row['unit'] ?? '' };
    },
    cpus,
    Object.fromEntries([...rows].map(([name, row]) => [name, row['source'] ?? ''])),
    answer.rows[0]?.['standby'] === 'true',
  );
}

/** Of a server that does not run, by its files and its container's own options. */
export async function askFiles(
  instance: Instance,
  cpus: number,
  host: ReadonlyHost,
): Promise<ServerMemory | { readonly refused: string }> {
  const answer = await host.probes.fileSettings(instance, names);
  if (!answer.ok) return { refused: answer.message };
  const standby = await host.docker.file(instance.container.id, `${instance.dataDirectory}/standby.signal`);
  return memoryOf(
    (name) => {
      const setting = answer.values[name];
      const unit = Object.entries(units).find(([known]) => known === name)?.[1] ?? '';
      return setting === undefined ? undefined : { setting, unit };
    },
    cpus,
    {},
    standby !== undefined,
  );
}

type Find = (name: string) => { readonly setting: string; readonly unit: string } | undefined;

function memoryOf(find: Find, cpus: number, sources: Readonly<Record<string, string>>, standby: boolean): ServerMemory {
  const bytes = (name: string): number | undefined => {
    const found = find(name);
    return found === undefined ? undefined : parseSize(found.setting, found.unit);
  };
  const number = (name: string, otherwise: number): number => {
    const found = Number(find(name)?.setting ?? Number.NaN);
    return Number.isFinite(found) ? found : otherwise;
  };
  const connections = number('max_connections', 100);
  const sharedBuffers = bytes('shared_buffers') ?? 128 * 2 ** 20;
  const workMem = bytes('work_mem') ?? 4 * 2 ** 20;
  const maintenanceWorkMem = bytes('maintenance_work_mem') ?? 64 * 2 ** 20;
  const autovacuumWorkMem = bytes('autovacuum_work_mem') ?? maintenanceWorkMem;
  const autovacuumMaxWorkers = number('autovacuum_max_workers', 3);
  // Before 15 it was 1.
  const hashMemMultiplier = number('hash_mem_multiplier', 2);
  const facts: MemoryFacts = {
    cpus,
    sharedMemory: sharedMemoryOf(sharedBuffers),
    workMem,
    hashMemMultiplier,
    maintenanceWorkMem,
    autovacuumWorkMem,
    autovacuumMaxWorkers,
    // One measured moment would make a finding come and go with the hour: the formula's own figure stands.
    perBackend: undefined,
  };
  return {
    connections,
    sharedBuffers,
    workMem,
    maintenanceWorkMem,
    autovacuumWorkMem,
    autovacuumMaxWorkers,
    hashMemMultiplier,
    parallelWorkersPerGather: number('max_parallel_workers_per_gather', 2),
    facts,
    worst: worstCase(facts, connections),
    sources,
    standby,
  };
}
