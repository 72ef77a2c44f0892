import { createEngineClient, engineAnswers } from './engine.ts';
import { type HelperTask, helperTasks, taskLabel } from '../../src/host/docker/helper-tasks.ts';
import { imageLabel } from '../../src/host/helper-image.ts';
import { compareText } from '../../src/util/compare.ts';

/**
 * Compares every helper container that the tool starts during the tests of the lab with what its task declares, and fails the
 * run if one has more.
 */
const watch = {
  /** How many helpers had each task. */
  seen: new Map<string, number>(),
  faults: new Array<string>(),
  pending: new Set<Promise<void>>(),
  end: (): void => undefined,
};

export async function setup(): Promise<void> {
  if (!(await engineAnswers())) return;
  const docker = createEngineClient();
  const filters = JSON.stringify({ type: ['container'], event: ['create'], label: [taskLabel] });
  const events = await docker.getEvents({ filters });
  let text = '';
  events.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines.filter((one) => one !== '')) {
      const work = inspect(docker, String(JSON.parse(line).Actor.ID)).finally(() => watch.pending.delete(work));
      watch.pending.add(work);
    }
  });
  watch.end = () => {
    if ('destroy' in events && typeof events.destroy === 'function') events.destroy();
  };
}

export async function teardown(): Promise<void> {
  await Promise.all(watch.pending);
  watch.end();
  await removeHelperImages();
  const counts = [...watch.seen].sort(([, a], [, b]) => b - a).map(([name, count]) => `${count} ${name}`);
  process.stdout.write(`helper containers compared with their tasks: ${counts.join(', ') || 'none'}\n`);
  if (watch.faults.length > 0)
    throw new Error(`helper containers have more than their tasks declare:\n${watch.faults.join('\n')}`);
}

/** Each run has a state folder of its own, and so makes an image of its own. */
async function removeHelperImages(): Promise<void> {
  if (!(await engineAnswers())) return;
  const docker = createEngineClient();
  const images = await docker.listImages({ filters: JSON.stringify({ label: [imageLabel] }) });
  await Promise.all(
    images.map(async ({ Id }) =>
      docker
        .getImage(Id)
        .remove()
        .catch(() => undefined),
    ),
  );
}

async function inspect(docker: ReturnType<typeof createEngineClient>, id: string): Promise<void> {
  // It may have been removed in the meantime.
  const found = await docker
    .getContainer(id)
    .inspect()
    .catch(() => undefined);
  if (found === undefined) return;
  const task = found.Config.Labels[taskLabel] ?? '';
  watch.seen.set(task, (watch.seen.get(task) ?? 0) + 1);
  watch.faults.push(...faultsOf(found));
}

type Inspected = Awaited<ReturnType<ReturnType<ReturnType<typeof createEngineClient>['getContainer']>['inspect']>>;

function faultsOf({ Config, HostConfig, Name }: Inspected): readonly string[] {
  const name = Config.Labels[taskLabel] ?? '';
  const task = Object.entries<HelperTask>(helperTasks).find(([one]) => one === name)?.[1];
  if (task === undefined) return [`${Name}: no task ${name}`];
  const isUser = task.user === 'root' ? '0:0' : task.user === 'nobody' ? '65534:65534' : Config.User;
  const writable = (HostConfig.Mounts ?? []).filter(
    ({ ReadOnly, Source }) => ReadOnly !== true && (Source ?? '') !== '',
  );
  const checks: readonly (readonly [string, boolean])[] = [
    ['user', Config.User === isUser && Config.User !== ''],
    ['capabilities', capabilitiesOf(HostConfig.CapAdd ?? []) === capabilitiesOf(task.capabilities)],
    ['dropped capabilities', (HostConfig.CapDrop ?? []).includes('ALL')],
    ['privileges', HostConfig.Privileged === false && (HostConfig.SecurityOpt ?? []).join() === 'no-new-privileges'],
    ['root file system', HostConfig.ReadonlyRootfs === true],
    ['network', task.network === 'joined' || HostConfig.NetworkMode === 'none'],
    ['writable mounts', task.writes || writable.length === 0],
    ['binds', (HostConfig.Binds ?? []).length === 0],
    ['memory', HostConfig.Memory === task.memoryBytes && HostConfig.MemorySwap === task.memoryBytes],
    ['processes', HostConfig.PidsLimit === 128],
    ['CPUs', (HostConfig.CpuQuota ?? 0) === (task.cpus ?? 0) * 100_000],
    [
      'devices',
      (HostConfig.Devices ?? []).length === 0 && (HostConfig.PidMode ?? '') === '' && HostConfig.IpcMode !== 'host',
    ],
  ];
  return checks
    .filter(([, ok]) => !ok)
    .map(
      ([what]) =>
        `${Name} (${name}): ${what} ${JSON.stringify({ Config: Config.User, HostConfig: { CapAdd: HostConfig.CapAdd, NetworkMode: HostConfig.NetworkMode } })}`,
    );
}

/** Engines name them with and without `CAP_`. */
function capabilitiesOf(names: readonly string[]): string {
  return names
    .map((name) => name.replace(/^CAP_/, ''))
    .toSorted(compareText)
    .join();
}
