import type { Change, Container, Mount } from '../../host/docker/types.ts';
import type { Instance } from '../../host/instance.ts';
import type { ReadonlyHost, Refusal } from '../contract.ts';
import { refusal } from './refusal.ts';

/** What a person does instead, in the words of the change that is wanted. */
export interface RecreateAdvice {
  readonly autoRemove?: string;
  readonly compose?: (file: string) => string;
  readonly swarm?: (service: string) => string;
}

/** Why no program may put a new container in the place of this one, on the same data, if so. PGOPS §1.4. */
export async function refusalToRecreate(
  instance: Instance,
  host: ReadonlyHost,
  advice: RecreateAdvice = {},
): Promise<Refusal | undefined> {
  return (
    refusalForOwner(instance.container, advice) ??
    (await refusalForData(instance, host)) ??
    (await refusalForNeighbours(instance.container, host))
  );
}

/** Where somebody else removes a container when it stops, or makes it anew by itself. */
export function refusalForOwner(
  { name, autoRemove, labels }: Container,
  { autoRemove: instead, compose, swarm }: RecreateAdvice = {},
): Refusal | undefined {
  if (autoRemove) {
    return refusal(
      `${name} was made with --rm: when it stops, the engine removes it and its anonymous volumes.`,
      instead ?? 'Create it again without --rm and with its volume by name.',
    );
  }
  const project = labels['com.docker.compose.project'];
  if (project !== undefined) {
    const file = labels['com.docker.compose.project.config_files'] ?? 'its compose file';
    return refusal(
      `${name} belongs to the Compose project ${project}: the next \`docker compose up\` would undo the change.`,
      compose?.(file) ?? `Change it in ${file}, and run docker compose up -d.`,
    );
  }
  if (labels['com.docker.swarm.service.id'] === undefined) return undefined;
  const service = labels['com.docker.swarm.service.name'] ?? 'its service';
  return refusal(
    `${name} belongs to the Swarm service ${service}, which replaces its containers by itself.`,
    swarm?.(service) ?? `Change it with docker service update ${service}.`,
  );
}

/** What a recreate would lose or destroy. */
async function refusalForData(
  { container, dataMount, dataDirectory }: Instance,
  host: ReadonlyHost,
): Promise<Refusal | undefined> {
  if (dataMount === undefined) {
    return refusal(
      `The data of ${container.name} is in the container itself (${dataDirectory}), not in a volume: a new container would not have it.`,
      'Dump it and restore it into an instance with a volume.',
    );
  }
  const lost = lostOnRecreate(await host.docker.changes(container.id), container.mounts);
  if (lost.length > 0) {
    const shown = lost.slice(0, 5).join(', ');
    return refusal(
      `${container.name} has changes outside its volumes, which a new container would not have: ${shown}${lost.length > 5 ? ' and more' : ''}.`,
      'Move them into the image or a volume, or undo them.',
    );
  }
  const other = (await host.docker.containers()).find(
    ({ id, state, mounts }) =>
      id !== container.id && state.running && mounts.some((mount) => isSameMount(mount, dataMount)),
  );
  return other === undefined
    ? undefined
    : refusal(
        `${other.name} runs on the data of ${container.name}: two servers on one volume destroy it.`,
        `docker stop ${other.name}, after looking which of the two is right.`,
      );
}

/** Containers that are tied to this very container would be cut off: they name its id, or follow its name. */
async function refusalForNeighbours({ id, name }: Container, host: ReadonlyHost): Promise<Refusal | undefined> {
  const tied = (await host.docker.containers()).find(
    ({ networkMode, inspect }) => networkMode === `container:${id}` || linksTo(inspect, name),
  );
  return tied === undefined
    ? undefined
    : refusal(
        `${tied.name} is tied to ${name} itself, by a legacy link or by sharing its network, and could not start again with a new one.`,
        `Remove ${tied.name}, or connect it by a common network instead.`,
      );
}

/**
 * Paths that a container has written outside its volumes, and that are no traces of running: sockets, locks, temporary
 * files, logs, histories of shells.
 */
export function lostOnRecreate(changes: readonly Change[], mounts: readonly Mount[]): readonly string[] {
  const paths = changes.map(({ path }) => path);
  return paths.filter((path) => {
    if (/^\/(?:var\/)?(?:run|tmp|log|cache|lock)(?:\/|$)|^\/(?:dev|proc|sys)(?:\/|$)/.test(path)) return false;
    if (/\/\.(?:psql|bash|ash|sh|python|node_repl)_history$|\/\.(?:lesshst|viminfo)$/.test(path)) return false;
    // The engine itself puts it there for `--init`.
    if (/^\/(?:usr\/)?sbin\/docker-init$/.test(path)) return false;
    if (mounts.some(({ destination }) => isBelow(path, destination) || isBelow(destination, path))) return false;
    // A folder is listed because of what changed in it; a top-level one also when that has gone again.
    return (
      !paths.some((other) => other !== path && isBelow(other, path)) &&
      path.lastIndexOf('/') > 0 &&
      !/^\/var\/[^/]+$/.test(path)
    );
  });
}

/** Whether two mounts are of one volume or one folder, wherever in their containers. */
export function isSameMount(a: Mount, b: Mount): boolean {
  return a.type === b.type && (a.type === 'volume' ? a.name === b.name : a.source === b.source);
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function linksTo(inspect: Container['inspect'], name: string): boolean {
  const host =
    typeof inspect === 'object' && inspect !== null && 'HostConfig' in inspect ? inspect['HostConfig'] : null;
  const links = typeof host === 'object' && host !== null && 'Links' in host ? host['Links'] : null;
  return Array.isArray(links) && links.some((link) => typeof link === 'string' && link.startsWith(`/${name}:`));
}
