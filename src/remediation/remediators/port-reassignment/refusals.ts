import type { Change, Container, Instance, Mount } from '../../../host/types.ts';
import type { ReadonlyHost, Refusal } from '../../contract.ts';
import type { PortDetails } from './details.ts';

/** Why no program may move this port, if so. PGOPS §1.2 and §1.4. */
export async function refusalFor(
  instance: Instance,
  details: PortDetails,
  host: ReadonlyHost,
): Promise<Refusal | undefined> {
  const { container, name, port: serverPort } = instance;
  const { labels } = container;
  const { port, bindings, trouble } = details;
  if (trouble === 'stale') {
    return refusal(
      `The engine holds port ${port} for a container that no longer exists: a docker-proxy was left behind.`,
      'Restart the Docker Engine when its containers can be spared for a moment. That is never done by a program.',
    );
  }
  if (trouble === 'address-missing') {
    const addresses = bindings.map(({ hostIp }) => hostIp).join(', ');
    return refusal(
      `This machine does not have the address that ${name} is to publish on (${addresses}). Another port would not help.`,
      'Bring the address back, or create the container again with one that the machine has.',
    );
  }
  if (trouble === 'free-again') return undefined;
  if (container.autoRemove) {
    return refusal(
      `${container.name} was made with --rm: when it stops, the engine removes it and its anonymous volumes.`,
      `Create it again without --rm and with its volume by name, on a free port: problems ports lease ${name}`,
    );
  }
  const project = labels['com.docker.compose.project'];
  if (project !== undefined) {
    const file = labels['com.docker.compose.project.config_files'] ?? 'its compose file';
    return refusal(
      `${container.name} belongs to the Compose project ${project}: the next \`docker compose up\` would undo the change.`,
      `Take a free port (problems ports lease ${name}), change ${port} to it in ${file}, and run docker compose up -d.`,
    );
  }
  if (labels['com.docker.swarm.service.id'] !== undefined) {
    const service = labels['com.docker.swarm.service.name'] ?? 'its service';
    return refusal(
      `${container.name} belongs to the Swarm service ${service}, which replaces its containers by itself.`,
      `docker service update --publish-rm ${port} --publish-add published=<free port>,target=${serverPort} ${service}`,
    );
  }
  const foreign = bindings.find((binding) => binding.containerPort !== serverPort || binding.protocol !== 'tcp');
  if (foreign !== undefined) {
    return refusal(
      `Port ${port} is published for ${foreign.containerPort}/${foreign.protocol}, which is not the server's port ${serverPort}.`,
      'Create the container again with another port for it, or without it.',
    );
  }
  return (await ofData(instance, host)) ?? (await ofNeighbours(container, host));
}

/** What a recreate would lose or destroy. */
async function ofData(instance: Instance, host: ReadonlyHost): Promise<Refusal | undefined> {
  const { container, dataMount, dataDirectory } = instance;
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
    ({ id, state, mounts }) => id !== container.id && state.running && mounts.some((mount) => isSame(mount, dataMount)),
  );
  return other === undefined
    ? undefined
    : refusal(
        `${other.name} runs on the data of ${container.name}: two servers on one volume destroy it.`,
        `docker stop ${other.name}, after looking which of the two is right.`,
      );
}

/** Containers that are tied to this very container would be cut off: they name its id, or follow its name. */
async function ofNeighbours({ id, name }: Container, host: ReadonlyHost): Promise<Refusal | undefined> {
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
    if (mounts.some(({ destination }) => isBelow(path, destination) || isBelow(destination, path))) return false;
    // A folder is listed because of what changed in it; a top-level one also when that has gone again.
    return (
      !paths.some((other) => other !== path && isBelow(other, path)) &&
      path.lastIndexOf('/') > 0 &&
      !/^\/var\/[^/]+$/.test(path)
    );
  });
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function isSame(a: Mount, b: Mount): boolean {
  return a.type === b.type && (a.type === 'volume' ? a.name === b.name : a.source === b.source);
}

function linksTo(inspect: Container['inspect'], name: string): boolean {
  const host =
    typeof inspect === 'object' && inspect !== null && 'HostConfig' in inspect ? inspect['HostConfig'] : null;
  const links = typeof host === 'object' && host !== null && 'Links' in host ? host['Links'] : null;
  return Array.isArray(links) && links.some((link) => typeof link === 'string' && link.startsWith(`/${name}:`));
}

function refusal(reason: string, advice: string): Refusal {
  return { type: 'refusal', reason, advice };
}
