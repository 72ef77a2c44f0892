import { readAutoConf, type SettingChanges } from '../../../postgres/auto-conf.ts';
import { bytesOf } from '../../../postgres/settings.ts';
import { formatSize, readableSize } from '../../../postgres/tuning/index.ts';
import { asideName, type Finding, type Plan, type ReadonlyHost, type Refusal } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { promisableTo } from '../../shared/memory.ts';
import { recordsToKeep, keptContainer, recreateSteps, refusalToRecreate } from '../../shared/recreate.ts';
import { commandLineSettings } from '../../shared/server-settings.ts';
import { needsStart, settingSteps } from '../../shared/settings-steps.ts';
import { changesFor, frameOf, limitFor, quarterOf, shmSizeFor, type PlanInput, withValues } from './plan-values.ts';
import { recentEvents } from './detect.ts';
import { diagnose } from './diagnose.ts';
import { observe } from './observe.ts';
import { hostRefusal, refusalFor, refusalToStart, refusalToStop, refusalWithoutRoom } from './refusals.ts';
import { type MemoryDetails, type MemoryExpected, memorySettings } from './types.ts';

/**
 * Other values: by a reload where that is enough, by a restart where it is not, and by a new container where a value
 * stands on its command line, which goes before every file.
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
    .map(([name, value]) => (value === null ? `${name} as without ALTER SYSTEM` : `${name} = ${value}`))
    .join(', ');
  const frame = await frameOf(task, host, bytesOf(values['work_mem'] ?? '') ?? task.memory.facts.workMem);
  const why =
    seen.limit === 0
      ? 'It asks for more than the machine has.'
      : `It is to fit into its limit of ${readableSize(seen.limit)}.`;
  const { running } = container.state;
  // One that does not run has nothing to end cleanly; one that the engine keeps restarting cannot.
  const serves = seen.running || !running;
  const downtime = {
    seconds: seen.running ? 4 : 0,
    why: seen.running ? 'PostgreSQL shuts down and starts again.' : `${instance.name} does not answer as it is.`,
  };
  const kept =
    'postgresql.conf is left as it is; a value there that is mounted read-only goes behind the one in postgresql.auto.conf.';
  if (!seen.running || fixed.length > 0 || needsStart(changes)) {
    const unread = await refusalToStart(instance, values, host);
    if (unread !== undefined) return unread;
  }
  if (fixed.length > 0) {
    const refused = await refusalToRecreate(instance, host);
    if (refused !== undefined) return refused;
    const onLine = Object.fromEntries(fixed.map((name) => [name, values[name] ?? '']));
    const rest = Object.fromEntries(Object.entries(changes).filter(([name]) => !Object.hasOwn(onLine, name)));
    return {
      ...frame,
      summary: `Create ${instance.name} again with ${words}: its command line says otherwise, and goes before every file.`,
      steps: recreateSteps({
        instance,
        serves,
        edits: { command: withValues(container.command, onLine) },
        why: 'What stands on the command line cannot be changed in a container that is there.',
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
      unpredictable: [`Whoever made ${container.name} by a script has the old values in it.`],
      undo: `The new container is removed without its volumes, and the old one gets its name and policy back${running ? ' and is started' : ''}.`,
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
    summary: `Set ${words} on ${instance.name}${restarts ? ', with a restart' : running ? ', by a reload' : ', and start it'}.`,
    steps: settingSteps(instance, changes, why, { serves }),
    risk: restarts ? 'restart' : 'safe',
    downtime: restarts || !running ? downtime : { seconds: 0, why: 'A reload interrupts nobody.' },
    unpredictable: [kept],
    undo: `postgresql.auto.conf gets its old text back, to the byte${restarts ? ', between a stop and a start' : ''}.`,
    expected: { ...frame.expected, settings: changes },
  };
}

function valuesOf(changes: SettingChanges): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(changes).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  );
}

/** A higher limit, live. One that cannot recover within its limit is started where the engine has given up. */
async function planRaise(task: PlanInput, limit: number, host: ReadonlyHost): Promise<Plan<MemoryExpected>> {
  const { instance, seen, memory } = task;
  const { id, name, state } = instance.container;
  const frame = await frameOf(task, host);
  const { alone } = recordsToKeep(instance);
  const from = readableSize(seen.limit);
  const to = readableSize(limit);
  return {
    ...frame,
    summary: `Raise the memory limit of ${instance.name} from ${from} to ${to}${seen.running ? ', while it runs' : ''}.`,
    steps: [
      {
        action: 'container.update-memory',
        params: { container: id, memory: limit, memorySwap: limit },
        why: `Its worst case is ${readableSize(memory.worstCase.total)}, which is to fit into 80 % of the limit. Swap is not added: a database in swap is as good as down.`,
        // One that the engine keeps restarting runs now and then.
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
      ? { seconds: 0, why: 'A limit is raised while the server runs.' }
      : { seconds: 0, why: `${instance.name} does not answer as it is.` },
    unpredictable: [
      'A limit that somebody wrote into a script or a file is lower from then on than the one in force: the next container made by it has the old one.',
    ],
    undo: `The limit is ${from} again${state.running ? '; where more than that is in use by then, the server is stopped and started for it' : ', and the container is stopped'}.`,
    expected: { ...frame.expected, limit },
  };
}

/**
 * More shared memory is asked for than there is. What ALTER SYSTEM wrote is taken back, so that the value before it counts
 * again; what stands elsewhere is overruled by a quarter of what the instance may have.
 */
async function planStart(task: PlanInput, host: ReadonlyHost): Promise<Plan<MemoryExpected> | Refusal> {
  const { instance, seen } = task;
  const bytes = await host.docker.file(instance.container.id, `${instance.dataDirectory}/postgresql.auto.conf`);
  if (bytes === undefined)
    return refusal(
      `${instance.name} has no postgresql.auto.conf.`,
      `Lower shared_buffers where it is set, and start ${instance.container.name}.`,
    );
  const isAltered = readAutoConf(new TextDecoder().decode(bytes)).has('shared_buffers');
  const isOnLine = commandLineSettings(instance.container.command).has('shared_buffers');
  // With a limit a value is known that fits; without one the value before is the better guess.
  if (isAltered && !isOnLine && seen.limit === 0) return planSettings(task, { shared_buffers: null }, host);
  const buffers = quarterOf(seen.limit || Math.min(await promisableTo(instance.container, host), 2 ** 30));
  return planSettings(task, { shared_buffers: formatSize(buffers) }, host);
}

/**
 * A larger `/dev/shm` takes a new container. Where none can be made, or the limit has no room for more, queries are no
 * longer run in parallel: that is a reload, and none of them fails.
 */
async function planShm(task: PlanInput, host: ReadonlyHost): Promise<Plan<MemoryExpected> | Refusal> {
  const { instance, seen, memory } = task;
  const { container } = instance;
  const size = shmSizeFor(seen.limit, seen.shmSize, memory);
  const refused = await refusalToRecreate(instance, host);
  if (refused !== undefined || size <= seen.shmSize)
    return planSettings(task, { max_parallel_workers_per_gather: '0' }, host);
  const frame = await frameOf(task, host);
  return {
    ...frame,
    summary: `Create ${instance.name} again with a /dev/shm of ${readableSize(size)} in place of ${readableSize(seen.shmSize)}, on the same data.`,
    steps: recreateSteps({
      instance,
      edits: { shmSize: size },
      why: 'The size of /dev/shm cannot be changed in a container that is there.',
    }),
    leftovers: [keptContainer(container)],
    risk: 'restart',
    downtime: { seconds: 3, why: 'PostgreSQL shuts down and starts again in a new container.' },
    unpredictable: [
      '/dev/shm is charged to the memory limit: what parallel queries put there is not there for others.',
      `Whoever made ${container.name} by a script has the old size in it.`,
    ],
    undo: 'The new container is removed without its volumes, and the old one gets its name and policy back and is started.',
    expected: { ...frame.expected, shmSize: size, aside: asideName(container) },
  };
}

/**
 * Looks again, and plans what interrupts least: a higher limit, live, where the machine has it to give; else settings
 * that a reload takes over; else shared_buffers and a restart. See docs/engineering/memory.md#order-of-action.
 */
export async function plan(
  finding: Finding<MemoryDetails>,
  host: ReadonlyHost,
): Promise<Plan<MemoryExpected> | Refusal> {
  const { details } = finding;
  const instance = await host.instance(finding.instance);
  if (instance === undefined || instance.container.id !== details.container)
    return refusal(`${finding.instance} is another container by now.`, 'Detect again.');
  if (details.kind === 'no-limit' || details.kind === 'host-overcommitted')
    return hostRefusal(instance, details.kind, host);
  const { cpus } = await host.docker.info();
  const seen = await observe(instance, host, { events: await recentEvents(host), cpus });
  const trouble = diagnose(seen);
  if (trouble?.kind !== details.kind) return refusal(`${finding.instance} is not as it was found.`, 'Detect again.');
  const { memory } = seen;
  if (memory === undefined) return refusal(`The settings of ${instance.name} are not known.`, 'Detect again.');
  const refused = await refusalFor(instance, memory, host);
  if (refused !== undefined) return refused;
  const task = { finding, instance, seen, memory, trouble };
  if (trouble.kind === 'start-refused') return planStart(task, host);
  if (trouble.kind === 'shm-too-small') return planShm(task, host);
  const promisable = await promisableTo(instance.container, host);
  const wanted = limitFor(memory, seen.limit);
  if (memorySettings(host).raise === 'within-budget' && wanted <= promisable) return planRaise(task, wanted, host);
  const changes = changesFor(seen.limit, trouble, memory);
  return changes === undefined || Object.keys(changes).length === 0
    ? refusalWithoutRoom(task, wanted, promisable)
    : planSettings(task, changes, host);
}
