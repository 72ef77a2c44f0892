import { ProblemsError } from '../../../errors.ts';
import { compareBy } from '../../../util/compare.ts';
import type { Container } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import { readableSize } from '../../../postgres/tuning/index.ts';
import { type Detection, type Evidence, type Finding, findingId, type ReadonlyHost } from '../../contract.ts';
import { isRunning } from '../../shared/availability.ts';
import { forEachInstance } from '../../shared/for-each-instance.ts';
import { diagnose, hostConditions } from './diagnose.ts';
import { observe } from './observe.ts';
import { heldMemory, type MemoryDetails, memorySettings, type Observation, type Condition } from './types.ts';

/** Limit, counters, settings and log lines as evidence. */
function evidenceOf({ container }: Instance, seen: Observation): readonly Evidence[] {
  const { name } = container;
  const { status, exitCode, oomKilled } = container.state;
  const { memory, use, signs, events } = seen;
  return [
    { type: 'docker', object: name, field: 'HostConfig.Memory', value: seen.limit },
    { type: 'docker', object: name, field: 'HostConfig.ShmSize', value: seen.shmSize },
    ...(seen.running
      ? []
      : ([
          {
            type: 'docker',
            object: name,
            field: 'State',
            value: { Status: status, ExitCode: exitCode, OOMKilled: oomKilled },
          },
        ] as const)),
    ...(events.length === 0
      ? []
      : ([
          { type: 'docker', object: name, field: 'events: oom', value: events.map(({ at }) => at).slice(-5) },
        ] as const)),
    ...(use === undefined
      ? []
      : ([
          {
            type: 'probe',
            name: 'memory-use',
            result: `oom_kill ${use.oomKills}; peak ${readableSize(use.peak)}; now ${readableSize(use.usage)}, of it ${readableSize(use.anonymous)} private, ${readableSize(use.shared)} shared and ${readableSize(use.inactiveFile)} inactive file cache`,
          },
        ] as const)),
    ...(memory === undefined
      ? []
      : ([
          {
            type: 'probe',
            name: 'settings',
            result: `shared_buffers ${readableSize(memory.sharedBuffers)}, max_connections ${memory.maxConnections}, work_mem ${readableSize(memory.facts.workMem)}, maintenance_work_mem ${readableSize(memory.facts.maintenanceWorkMem)}; worst case ${readableSize(memory.worstCase.total)}`,
          },
        ] as const)),
    ...signs.slice(-5).map(({ at, text }): Evidence => ({ type: 'log', at, text })),
  ];
}

function summaryOf(
  { name }: Instance,
  { kind, cause }: Condition,
  { limit, memory, shmSize, use }: Observation,
): string {
  const of = readableSize(limit);
  const worst = memory === undefined ? 'unknown' : readableSize(memory.worstCase.total);
  const shared = memory === undefined ? 'unknown' : readableSize(memory.sharedBuffers);
  const why = cause === 'shared-buffers' ? `shared_buffers (${shared}) fill it` : `its worst case is ${worst}`;
  switch (kind) {
    case 'oom-in-recovery':
      return `${name} does not start: its crash recovery is killed repeatedly at the memory limit of ${of}; ${why}.`;
    case 'start-refused':
      return `${name} does not start: it needs more shared memory than the machine has (shared_buffers ${shared}).`;
    case 'oom-killed':
      return use === undefined
        ? `${name} was killed at its memory limit of ${of} and is not running; ${why}.`
        : `${use.oomKills === 1 ? `A process of ${name} was` : `${use.oomKills} processes of ${name} were`} killed at its memory limit of ${of}; ${why}.`;
    case 'shared-buffers-over-limit':
      return `${name} has shared_buffers of ${shared} in a memory limit of ${of}: it will be killed when they fill up.`;
    case 'worst-case-over-limit':
      return `${name} holds ${readableSize(use === undefined ? 0 : heldMemory(use))} of its memory limit of ${of} and may need ${worst} in the worst case.`;
    case 'shm-too-small':
      return `Parallel queries of ${name} fail: its /dev/shm has only ${readableSize(shmSize)}.`;
  }
}

export const name = 'memory';

/** How many instances to check at the same time. */
const together = 4;

/** Instances that ran out of memory, cannot start for lack of it, or will run out; and overcommitted machines. */
export async function detect(host: ReadonlyHost): Promise<Detection<MemoryDetails>> {
  const settings = memorySettings(host);
  const [instances, info, events] = await Promise.all([host.instances(), host.docker.info(), recentEvents(host)]);
  const each = { remediator: name, together, endsAll: isAway };
  const seenOn = await forEachInstance<MemoryDetails>(instances, host, each, async (instance, noting) => {
    const seen = await observe(instance, host, { events, cpus: info.cpus });
    const condition = diagnose(seen);
    if (condition === undefined) return;
    const said = { summary: summaryOf(instance, condition, seen), evidence: evidenceOf(instance, seen) };
    noting.found(findingOf(instance, { ...condition, ...said }, seen));
  });
  const findings = [...seenOn.findings];
  const others = instances.filter((instance) => !findings.some((finding) => finding.instance === instance.name));
  for (const { instance, ...condition } of await hostConditions(others, info, settings, host))
    findings.push(findingOf(instance, { ...condition, cause: 'work' }));
  return { ...seenOn, findings: findings.sort(compareBy(({ id }) => id)) };
}

function isAway(error: unknown): boolean {
  return error instanceof ProblemsError && error.code === 'engine-unreachable';
}

/** The engine keeps only a few events, so an instance's log and counters are read too. */
export async function recentEvents(host: ReadonlyHost): Promise<Awaited<ReturnType<ReadonlyHost['docker']['events']>>> {
  const now = Date.now();
  const since = new Date(now - memorySettings(host).recentHours * 3_600_000).toISOString();
  return host.docker.events({ since, until: new Date(now).toISOString() }).catch(() => []);
}

function isOfDown(kind: MemoryDetails['kind'], container: Container): boolean {
  return kind === 'oom-in-recovery' || kind === 'start-refused' || (kind === 'oom-killed' && !isRunning({ container }));
}

function findingOf(
  { name: instance, container }: Instance,
  found: {
    readonly kind: MemoryDetails['kind'];
    readonly cause: MemoryDetails['cause'];
    readonly summary: string;
    readonly evidence: readonly Evidence[];
  },
  seen?: Observation,
): Finding<MemoryDetails> {
  const { kind, cause, summary, evidence } = found;
  return {
    id: findingId(name, instance, kind),
    remediator: name,
    instance,
    kind,
    summary,
    risk: container.state.running ? 'restart' : 'safe',
    evidence,
    details: {
      container: container.id,
      kind,
      cause,
      limit: container.memory,
      worstCase: seen?.memory?.worstCase.total ?? null,
      sharedMemory: seen?.memory?.facts.sharedMemory ?? null,
    },
    problem: null,
    ...(isOfDown(kind, container) ? { down: true } : {}),
  };
}
