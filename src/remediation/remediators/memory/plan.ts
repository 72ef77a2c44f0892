import { readAutoConf, type SettingChanges } from '../../../postgres/auto-conf.ts';
import { bytesOf } from '../../../postgres/settings.ts';
import { formatSize, readableSize } from '../../../postgres/tuning/index.ts';
import { asideName, type Finding, type Plan, type ReadonlyHost, type Refusal } from '../../contract.ts';
import { isInCompose } from '../../shared/compose.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { promisableTo } from '../../shared/memory.ts';
import { recordsToKeep, keptContainer, recreateSteps, refusalToRecreate } from '../../shared/recreate.ts';
import { commandLineSettings } from '../../shared/server-settings.ts';
import { needsStart, settingSteps } from '../../shared/settings-steps.ts';
import { changesFor, frameOf, limitFor, quarterOf, shmSizeFor, type PlanInput, withValues } from './plan-values.ts';
import { planCommandInCompose, planSizeInCompose } from './plan-compose.ts';
import { recentEvents } from './detect.ts';
import { diagnose } from './diagnose.ts';
import { observe } from './observe.ts';
import { hostRefusal, refusalFor, refusalToStart, refusalToStop, refusalWithoutRoom } from './refusals.ts';
import { type MemoryDetails, type MemoryExpected, memorySettings } from './types.ts';

/**
 * Changes settings with a reload if that is enough, else with a restart, or with a new container if the command line sets
 * one of them, which overrides every file.
 */
async function planSettings(
  task: PlanInput,
  changes: SettingChanges,
  host: ReadonlyHost,
): Promise<Plan<MemoryExpected> | Refusal> {
  const { instance, seen } = task;
  const { container } = instance;
  const values = valuesOf(changes);
  const fixed = [...commandLineSettings(container.command).keys()].filter((name) => Object.hasOwn(changes, name));
  const words = Object.entries(changes)
    .map(([name, value]) => (value === null ? `${name} reset` : `${name} = ${value}`))
    .join(', ');
  const frame = await frameOf(task, host, bytesOf(values['work_mem'] ?? '') ?? task.memory.facts.workMem);
  const why =
    seen.limit === 0
      ? 'It needs more shared memory than the machine has.'
      : `It must fit into its limit of ${readableSize(seen.limit)}.`;
  const { running } = container.state;
  // A stopped server needs no clean shutdown; one in a restart loop cannot have one.
  const serves = seen.running || !running;
  const downtime = {
    seconds: seen.running ? 4 : 0,
    why: seen.running ? 'PostgreSQL restarts.' : `${instance.name} is already down.`,
  };
  const kept = 'postgresql.conf is unchanged; postgresql.auto.conf overrides it, even if it is mounted read-only.';
  if (!seen.running || fixed.length > 0 || needsStart(changes)) {
    const unread = await refusalToStart(instance, values, host);
    if (unread !== undefined) return unread;
  }
  if (fixed.length > 0 && isInCompose(container))
    return planCommandInCompose(task, { changes, fixed, words, why }, frame, host);
  if (fixed.length > 0) {
    const refused = await refusalToRecreate(instance, host);
    if (refused !== undefined) return refused;
    const onLine = Object.fromEntries(fixed.map((name) => [name, values[name] ?? '']));
    const rest = Object.fromEntries(Object.entries(changes).filter(([name]) => !Object.hasOwn(onLine, name)));
    return {
      ...frame,
      summary: `Recreate ${instance.name} with ${words}: its command line sets other values, which override every file.`,
      done: `${instance.name} recreated with ${words}`,
      steps: recreateSteps({
        instance,
        serves,
        edits: { command: withValues(container.command, onLine) },
        why: 'The command line of an existing container cannot be changed.',
        ...(Object.keys(rest).length === 0
          ? {}
          : {
              whileStopped: [
                { action: 'setting.alter-stopped', params: { instance: instance.name, settings: rest }, why },
              ],
            }),
      }),
      leftovers: [keptContainer(container)],
      risk: running ? 'restart' : 'safe',
      downtime,
      unpredictable: [`A script that creates ${container.name} still has the old values.`],
      undo: `The new container is removed without its volumes, and the old one gets back its name and restart policy${running ? ' and is started' : ''}.`,
      expected: { ...frame.expected, settings: changes, aside: asideName(container) },
    };
  }
  const restarts = running && (!serves || needsStart(changes));
  if (restarts) {
    const refused = refusalToStop(instance);
    if (refused !== undefined) return refused;
  }
  return {
    ...frame,
    summary: `Set ${words} on ${instance.name}${restarts ? ', with a restart' : running ? ', with a reload' : ', and start it'}.`,
    done: `${words} set on ${instance.name}${running ? '' : ', and it is running'}`,
    steps: settingSteps(instance, changes, why, { serves }),
    risk: restarts ? 'restart' : 'safe',
    downtime: restarts || !running ? downtime : { seconds: 0, why: 'A reload interrupts no client.' },
    unpredictable: [kept],
    undo: `The old text of postgresql.auto.conf is restored${restarts ? ', between a stop and a start' : ''}.`,
    expected: { ...frame.expected, settings: changes },
  };
}

function valuesOf(changes: SettingChanges): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(changes).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  );
}

/** Raises the limit without a restart. Starts a server whose crash recovery did not fit into the old limit. */
async function planRaise(task: PlanInput, limit: number, host: ReadonlyHost): Promise<Plan<MemoryExpected> | Refusal> {
  const { instance, seen, memory } = task;
  if (isInCompose(instance.container))
    return planSizeInCompose(task, { key: 'mem_limit', from: seen.limit, to: limit }, await frameOf(task, host), host);
  const { id, name, state } = instance.container;
  const frame = await frameOf(task, host);
  const { alone } = recordsToKeep(instance);
  const from = readableSize(seen.limit);
  const to = readableSize(limit);
  return {
    ...frame,
    summary: `Raise the memory limit of ${instance.name} from ${from} to ${to}${seen.running ? ' while it is running' : ''}.`,
    done: `memory limit of ${instance.name} raised from ${from} to ${to}`,
    steps: [
      {
        action: 'container.update-memory',
        params: { container: id, memory: limit, memorySwap: limit },
        why: `Its worst case of ${readableSize(memory.worstCase.total)} must fit into 80% of the limit. No swap is added: a swapping database is as good as down.`,
        // A container in a restart loop is running now and then.
        expects: [{ check: 'container', ref: id, name, ...(seen.running ? { running: true } : {}) }, alone],
      },
      ...(state.running
        ? []
        : [
            {
              action: 'container.start',
              params: { container: id },
              expects: [{ check: 'container', ref: id, name }],
            } as const,
          ]),
    ],
    risk: 'safe',
    downtime: seen.running
      ? { seconds: 0, why: 'The limit is raised while the server is running.' }
      : { seconds: 0, why: `${instance.name} is already down.` },
    unpredictable: [
      'A script or file that creates the container still has the old limit, so the next container will have it again.',
    ],
    undo: `The limit is set back to ${from}${state.running ? '; if the server uses more than that by then, it is restarted' : ', and the container is stopped'}.`,
    expected: { ...frame.expected, limit },
  };
}

/**
 * The server needs more shared memory than the machine has. Resets a value set by ALTER SYSTEM, so that the one before it
 * applies again; overrides a value set elsewhere with a quarter of what the instance may use.
 */
async function planStart(task: PlanInput, host: ReadonlyHost): Promise<Plan<MemoryExpected> | Refusal> {
  const { instance, seen } = task;
  const bytes = await host.docker.file(instance.container.id, `${instance.dataDirectory}/postgresql.auto.conf`);
  if (bytes === undefined)
    return refusal(
      `${instance.name} has no postgresql.auto.conf.`,
      `Lower shared_buffers where it is set, then start ${instance.container.name}.`,
    );
  const isAltered = readAutoConf(new TextDecoder().decode(bytes)).has('shared_buffers');
  const isOnLine = commandLineSettings(instance.container.command).has('shared_buffers');
  // With a limit, a fitting value is known; without one, the previous value is the better guess.
  if (isAltered && !isOnLine && seen.limit === 0) return planSettings(task, { shared_buffers: null }, host);
  const buffers = quarterOf(seen.limit || Math.min(await promisableTo(instance.container, host), 2 ** 30));
  return planSettings(task, { shared_buffers: formatSize(buffers) }, host);
}

/**
 * A larger `/dev/shm` needs a new container. If that is impossible, or the limit has no room, disables parallel queries
 * with a reload, so that they no longer fail.
 */
async function planShm(task: PlanInput, host: ReadonlyHost): Promise<Plan<MemoryExpected> | Refusal> {
  const { instance, seen, memory } = task;
  const { container } = instance;
  const size = shmSizeFor(seen.limit, seen.shmSize, memory);
  const inCompose = isInCompose(container);
  const refused = await refusalToRecreate(instance, host, inCompose ? { editsCompose: true } : {});
  const frame = await frameOf(task, host);
  if (refused === undefined && size > seen.shmSize && inCompose) {
    const planned = await planSizeInCompose(task, { key: 'shm_size', from: seen.shmSize, to: size }, frame, host);
    if (planned.type === 'plan') return planned;
    return planSettings(task, { max_parallel_workers_per_gather: '0' }, host);
  }
  if (refused !== undefined || size <= seen.shmSize)
    return planSettings(task, { max_parallel_workers_per_gather: '0' }, host);
  return {
    ...frame,
    summary: `Recreate ${instance.name} with a /dev/shm of ${readableSize(size)} instead of ${readableSize(seen.shmSize)}, on the same data.`,
    done: `${instance.name} has a /dev/shm of ${readableSize(size)} instead of ${readableSize(seen.shmSize)}`,
    steps: recreateSteps({
      instance,
      edits: { shmSize: size },
      why: 'The size of /dev/shm of an existing container cannot be changed.',
    }),
    leftovers: [keptContainer(container)],
    risk: 'restart',
    downtime: { seconds: 3, why: 'PostgreSQL restarts in a new container.' },
    unpredictable: [
      '/dev/shm is charged to the memory limit: memory that parallel queries use there is not available for anything else.',
      `A script that creates ${container.name} still has the old size.`,
    ],
    undo: 'The new container is removed without its volumes, and the old one gets back its name and restart policy and is started.',
    expected: { ...frame.expected, shmSize: size, aside: asideName(container) },
  };
}

/**
 * Checks again, and plans the repair that interrupts least: a higher limit without a restart if the machine has the
 * memory; else settings by a reload; else shared_buffers and a restart. See docs/engineering/memory.md#order-of-action.
 */
export async function plan(
  finding: Finding<MemoryDetails>,
  host: ReadonlyHost,
): Promise<Plan<MemoryExpected> | Refusal> {
  const { details } = finding;
  const instance = await host.instance(finding.instance);
  if (instance === undefined || instance.container.id !== details.container)
    return refusal(`${finding.instance} has been recreated since it was checked.`, 'Run `problems detect` again.');
  if (details.kind === 'no-limit' || details.kind === 'host-overcommitted')
    return hostRefusal(instance, details.kind, host);
  const { cpus } = await host.docker.info();
  const seen = await observe(instance, host, { events: await recentEvents(host), cpus });
  const condition = diagnose(seen);
  if (condition?.kind !== details.kind)
    return refusal(`${finding.instance} has changed since it was checked.`, 'Run `problems detect` again.');
  const { memory } = seen;
  if (memory === undefined)
    return refusal(`The settings of ${instance.name} could not be read.`, 'Run `problems detect` again.');
  const refused = await refusalFor(instance, memory, host);
  if (refused !== undefined) return refused;
  const task = { finding, instance, seen, memory, condition };
  if (condition.kind === 'start-refused') return planStart(task, host);
  if (condition.kind === 'shm-too-small') return planShm(task, host);
  const promisable = await promisableTo(instance.container, host);
  const wanted = limitFor(memory, seen.limit);
  if (memorySettings(host).raise === 'within-budget' && wanted <= promisable) return planRaise(task, wanted, host);
  const changes = changesFor(seen.limit, condition, memory);
  return changes === undefined || Object.keys(changes).length === 0
    ? refusalWithoutRoom(task, wanted, promisable)
    : planSettings(task, changes, host);
}
