import type { Instance } from '../../../host/instance.ts';
import type { SettingChanges } from '../../../postgres/auto-conf.ts';
import { fit, formatSize, usableShare } from '../../../postgres/tuning/index.ts';
import type { Finding, Plan, ReadonlyHost } from '../../contract.ts';
import { restartPolicyOf } from '../../shared/recreate.ts';
import { isOfFirstProcess, type Sign } from './log-patterns.ts';
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
import { planOn } from '../../shared/for-each-instance.ts';

/** What a plan is based on. */
export interface PlanInput {
  readonly finding: Finding<MemoryDetails>;
  readonly instance: Instance;
  readonly seen: Observation;
  readonly memory: ServerMemory;
  readonly condition: Condition;
}

type Shared = 'type' | 'remediator' | 'finding' | 'target' | 'cleanup' | 'leftovers' | 'expected' | 'approval';

/** The parts that every plan shares. */
export async function frameOf(
  { finding, instance, memory, seen, condition }: PlanInput,
  host: ReadonlyHost,
  workMem = memory.facts.workMem,
): Promise<Pick<Plan<MemoryExpected>, Shared>> {
  const { container, dataDirectory } = instance;
  const control = await controlFile(host, container.id, dataDirectory);
  return {
    ...planOn(finding, instance),
    ...(isCertain(condition, seen)
      ? {}
      : { approval: 'only the log of the server shows the problem, and any role can write to the log' }),
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
        // More rows than fit into work_mem, at about 60 bytes each, so that sorts spill.
        rows: Math.min(400_000, Math.max(50_000, Math.ceil((workMem * 1.2) / 60))),
      },
    },
  };
}

/**
 * Whether more than log lines that any role can write shows the problem: the kernel's counters, the engine, a measurement, or
 * the server's first process, whose number no session has.
 */
export function isCertain({ kind }: Pick<Condition, 'kind'>, { events, oomKilled, signs }: Observation): boolean {
  const saidBy = (sign: Sign): number => signs.filter((one) => one.sign === sign && isOfFirstProcess(one.text)).length;
  switch (kind) {
    case 'start-refused':
      return saidBy('start-refused') > 0;
    case 'oom-in-recovery':
      return events.length > 0 || oomKilled || saidBy('startup-killed') > 1;
    case 'shm-too-small':
      return false;
    default:
      return true;
  }
}

/** Short options of the server's command line. Others are `-c name=value` and `--name=value`. */
const letters: Readonly<Record<string, string>> = { '-N': 'max_connections', '-B': 'shared_buffers' };

/** The same command with other values, for the settings that it contains. */
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
 * The limit into which the present settings fit: 80% of it is the worst case. If they fit already and the server was
 * killed anyway, the formula misses something, so the limit is raised by half.
 */
export function limitFor({ worstCase: worst }: ServerMemory, limit: number): number {
  const wanted = Math.ceil(worst.total / usableShare / step) * step;
  return wanted > limit ? wanted : Math.ceil((limit * 1.5) / step) * step;
}

/**
 * The settings that make an instance fit its limit, lowered no further than needed and least harmful first: autovacuum
 * memory, maintenance, sorts, all by a reload; then shared_buffers to a quarter of the limit, by a restart. Never lowers
 * max_connections, since that would reject clients. If shared_buffers are the cause, only sessions that can work at the
 * same time must fit. Undefined if that is not enough.
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

/** A quarter, in whole MB, at least 8 MB: PostgreSQL runs with less, but not well. */
export function quarterOf(memory: number): number {
  return Math.max(8, Math.floor(memory / 4 / MiB)) * MiB;
}

/**
 * The size of /dev/shm. Concurrent parallel queries share it, and it is charged to the memory limit.
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
