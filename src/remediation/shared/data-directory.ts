import { posix } from 'node:path';
import type { Container, Mount } from '../../host/docker/types.ts';
import type { Instance } from '../../host/instance.ts';
import { isWithin } from '../../util/text.ts';
import type { Precondition, ReadonlyHost, Step } from '../contract.ts';
import { isSameMount, recordsToKeep, stopStep } from './recreate.ts';

/** A file in the data directory; undefined if it does not exist. `path` is relative to the data directory. */
export async function dataFile(
  host: ReadonlyHost,
  { container, dataDirectory }: Instance,
  path: string,
): Promise<string | undefined> {
  const bytes = await host.docker.file(container.id, posix.join(dataDirectory, path));
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

/** The mount that a container sees at a path: the deepest of those that contain it. */
export function mountAt(mounts: readonly Mount[], path: string): Mount | undefined {
  return mounts
    .filter(({ destination }) => isWithin(path, posix.resolve('/', destination)))
    .toSorted((a, b) => b.destination.length - a.destination.length)[0];
}

export const lockFile = 'postmaster.pid';

/** Whether a lock file names no process, as a power loss leaves it: empty, or filled with zeros or garbage. */
export function namesNoProcess(text: string): boolean {
  const pid = Number.parseInt(text, 10);
  return Number.isNaN(pid) || pid === 0;
}

/** The process and the start (seconds since 1970) that a lock file names in its first and third line; undefined if it has none. */
export function serverInLockFile(text: string): { readonly pid: number; readonly started: number } | undefined {
  const [pid = '', , started = ''] = text.split('\n');
  return /^[1-9]\d{0,9}$/.test(pid) && /^[1-9]\d{8,10}$/.test(started)
    ? { pid: Number(pid), started: Number(started) }
    : undefined;
}

/** A running container with the mount of the instance's data. */
export async function otherUser(
  { container, dataMount }: Instance,
  host: ReadonlyHost,
): Promise<Container | undefined> {
  if (dataMount === undefined) return undefined;
  return (await host.docker.containers()).find(
    ({ id, state, mounts }) =>
      id !== container.id && state.running && mounts.some((mount) => isSameMount(mount, dataMount)),
  );
}

/** Changes something while the server does not run, and starts it. One that the engine starts again and again is stopped first. */
export function changeAndStart(instance: Instance, changes: readonly Step[]): readonly Step[] {
  const { id, name, state } = instance.container;
  const { unchanged, alone } = recordsToKeep(instance, false);
  const stopped: Precondition = { check: 'container', ref: id, running: false, name };
  return [
    ...(state.running ? [stopStep(instance, false, [unchanged, alone])] : []),
    ...changes.map((change): Step => ({ ...change, expects: [stopped, alone] })),
    { action: 'container.start', params: { container: id }, expects: [stopped] },
  ];
}
