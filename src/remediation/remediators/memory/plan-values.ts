import type { Instance } from '../../../host/instance.ts';
import type { SettingChanges } from '../../../postgres/auto-conf.ts';
import { fit, formatSize, usableShare } from '../../../postgres/tuning/index.ts';
import type { Finding, Plan, ReadonlyHost } from '../../contract.ts';
import { restartPolicyOf } from '../../shared/recreate.ts';
import { controlFile } from '../../shared/server-settings.ts';
import {
  autovacuumWorkMem,
  type MemoryDetails,
  type MemoryExpected,
  memorySettings,
  type Observation,
  type ServerMemory,
  type Condition,
} from './types.ts';

/** What a plan is made for. */
export interface PlanInput {
  readonly finding: Finding<MemoryDetails>;
  readonly instance: Instance;
  readonly seen: Observation;
  readonly memory: ServerMemory;
  readonly trouble: Condition;
}

/** What is the same in every plan. */
export async function frameOf(
  { finding, instance, memory }: PlanInput,
  host: ReadonlyHost,
  workMem = memory.facts.workMem,
): Promise<
  Pick<Plan<MemoryExpected>, 'type' | 'remediator' | 'finding' | 'target' | 'cleanup' | 'leftovers' | 'expected'>
> {
  const { container, name, volumeKey, dataDirectory } = instance;
  const control = await controlFile(host, container.id, dataDirectory);
  return {
    type: 'plan',
    remediator: finding.remediator,
    finding,
    target: { instance: name, container: container.id, volumes: [volumeKey] },
    cleanup: [],
    leftovers: [],
    expected: {
      name: container.name,
      limit: container.memory,
      shmSize: container.shmSize,
      settings: {},
      restartPolicy: restartPolicyOf(container),
      systemIdentifier: control?.systemIdentifier ?? null,
      aside: null,
      load: {
        clients: 4,
        seconds: memorySettings(host).loadSeconds,
        // More than work_mem holds, at about 60 bytes a row, so that sorts spill.
        rows: Math.min(400_000, Math.max(50_000, Math.ceil((workMem * 1.2) / 60))),
      },
    },
  };
}

/** How a word of a server's command line names a setting: `-c name=value`, `--name=value`, `-N 50`, `-B 16384`. */
const letters: Readonly<Record<string, string>> = { '-N': 'max_connections', '-B': 'shared_buffers' };

/** The same command with other values; only names that stand in it. */
export function withValues(command: readonly string[], values: Readonly<Record<string, string>>): string[] {
  return command.map((word, index) => {
    const before = command[index - 1] ?? '';
    const byLetter = values[letters[before] ?? ''];
    if (byLetter !== undefined) return byLetter;
    const [, prefix = '', name = ''] = (before === '-c' ? /^()([\w.-]+)=/ : /^(-c|--)([\w.-]+)=/).exec(word) ?? [];
    const value = values[name.replaceAll('-', '_').toLowerCase()];
    return value === undefined ? word : `${prefix}${name}=${value}`;
  });
}

const step = 16 * 2 ** 20;

const MiB = 2 ** 20;

/**
 * The limit in which the settings fit as they are: the worst case in 80 % of it. Where they fit already and were killed
 * all the same, something is not reckoned with, and half as much again is given.
 */
export function limitFor({ worstCase: worst }: ServerMemory, limit: number): number {
  const wanted = Math.ceil(worst.total / usableShare / step) * step;
  return wanted > limit ? wanted : Math.ceil((limit * 1.5) / step) * step;
}

/**
 * The settings that make an instance fit its limit, no further than needed and in the order of what is missed least:
 * autovacuum's memory, maintenance, sorts, all by a reload; then shared_buffers, a quarter of the limit, by a restart.
 * max_connections is never lowered here: who would be turned away is not for this to say. Where shared_buffers are the
 * cause, it is enough that as many fit as can work at once. Undefined where that does not help.
 */
export function changesFor(limit: number, { cause }: Condition, memory: ServerMemory): SettingChanges | undefined {
  const filled = cause === 'shared-buffers';
  const { cpus, hashMemMultiplier, autovacuumMaxWorkers, perBackend, workMem, maintenanceWorkMem } = memory.facts;
  const stated = {
    connections: filled ? memory.worstCase.active : memory.maxConnections,
    sharedBuffers: filled ? Math.min(quarterOf(limit), memory.sharedBuffers) : memory.sharedBuffers,
    workMem,
    maintenanceWorkMem,
    autovacuumWorkMem: autovacuumWorkMem(memory),
  };
  const surroundings = { cpus, hashMemMultiplier, autovacuumMaxWorkers, perBackend, memory: limit };
  const { fits, settings: to } = fit(stated, surroundings, true);
  if (!fits || to.connections !== stated.connections || to.sharedBuffers !== stated.sharedBuffers) return undefined;
  return {
    ...changed('autovacuum_work_mem', stated.autovacuumWorkMem, to.autovacuumWorkMem),
    ...changed('maintenance_work_mem', maintenanceWorkMem, to.maintenanceWorkMem),
    ...changed('work_mem', workMem, to.workMem),
    ...changed('shared_buffers', memory.sharedBuffers, to.sharedBuffers),
  };
}

/** A quarter, in whole MB; PostgreSQL does with less, but not well. */
export function quarterOf(memory: number): number {
  return Math.max(8, Math.floor(memory / 4 / MiB)) * MiB;
}

/**
 * Of the quota; parallel queries beside each other share it, and it is charged to the limit.
 * See docs/engineering/memory.md#dev-shm.
 */
export function shmSizeFor(limit: number, now: number, memory: ServerMemory): number {
  const { workMem, hashMemMultiplier } = memory.facts;
  const { parallelWorkersPerGather } = memory;
  const two = 2 * workMem * hashMemMultiplier * (parallelWorkersPerGather + 1);
  const wanted = Math.min(2 ** 30, Math.max(256 * MiB, 2 * now, Math.ceil(two / step) * step));
  return limit === 0 ? wanted : Math.min(wanted, Math.floor(limit / 4 / MiB) * MiB);
}

function changed(name: string, from: number, to: number): SettingChanges {
  return from === to ? {} : { [name]: formatSize(to) };
}
