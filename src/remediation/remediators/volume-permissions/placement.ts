import { resolve } from 'node:path/posix';
import type { Container, Mount, Volume } from '../../../host/docker/types.ts';
import { getEntries } from '../../../util/json.ts';
import { isWithin } from '../../../util/text.ts';
import { projectNameOf, serviceNameOf, volumeKeyOf } from '../../../compose/project.ts';
import { mountAt } from '../../shared/data-directory.ts';

/** Where the data of a container lie. `memory`: a tmpfs, which someone chose for data to throw away. */
export type Placement =
  | { readonly kind: 'kept' | 'memory' | 'in-container' }
  | { readonly kind: 'anonymous-volume'; readonly mount: Mount; readonly misplaced: readonly Mount[] };

/** The deepest mount that contains the data directory decides. Pure. */
export function placementOf(container: Container, dataDirectory: string): Placement {
  const directory = resolve('/', dataDirectory);
  // `--tmpfs` is not among the mounts.
  const inMemory = getEntries(container.inspect, 'HostConfig', 'Tmpfs').map(([path]) => resolve('/', path));
  if (inMemory.some((path) => isWithin(directory, path))) return { kind: 'memory' };
  const mount = mountAt(container.mounts, directory);
  if (mount === undefined) return { kind: 'in-container' };
  if (mount.type === 'tmpfs') return { kind: 'memory' };
  if (!isWithoutName(mount, container)) return { kind: 'kept' };
  return { kind: 'anonymous-volume', mount, misplaced: container.mounts.filter((one) => isMisplaced(one, mount)) };
}

/**
 * When Compose recreates a container, it binds the anonymous volumes of the old one by the names that the engine made up; with
 * `down` and `up`, they are lost all the same.
 */
function isWithoutName({ type, name, anonymous }: Mount, { labels }: Container): boolean {
  return type === 'volume' && (anonymous || (isMadeUp(name) && projectNameOf(labels) !== undefined));
}

function isMadeUp(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/** A named volume or folder around or near the data directory, where the author of the container expected the data. */
function isMisplaced(mount: Mount, data: Mount): boolean {
  return (
    mount !== data &&
    !mount.anonymous &&
    mount.writable &&
    (isWithin(data.destination, mount.destination) || /(?:postgres|pgsql|pgdata)/i.test(mount.destination)) &&
    !/\.(?:conf|sql|sh|key|crt|pem)$|initdb|backup|archive|wal/i.test(mount.destination)
  );
}

/** How many unattached volumes to search for a lost cluster. Each takes a helper container. */
export const mostVolumes = 5;

/**
 * Unattached volumes that may hold what an empty cluster has replaced: named after the container, of the same Compose project, or
 * of the same volume in another Compose project, since a renamed folder makes another project. If the data are in an anonymous
 * volume of a Compose project, anonymous ones too. Pure; in the order of their names.
 */
export function lostVolumes(
  container: Container,
  own: Mount,
  volumes: readonly Volume[],
  containers: readonly Container[],
): readonly Volume[] {
  const attached = new Set(containers.flatMap(({ mounts }) => mounts.map(({ name }) => name)));
  const key = volumeKeyOf(volumes.find(({ name }) => name === own.name)?.labels ?? {});
  const project = projectNameOf(container.labels);
  return volumes.filter(({ name, labels }) => {
    if (attached.has(name)) return false;
    if (isMadeUp(name)) return project !== undefined && isWithoutName(own, container);
    const isOfProject = project !== undefined && projectNameOf(labels) === project;
    const isSameKey = key !== undefined && volumeKeyOf(labels) === key;
    return isOfProject || isSameKey || isNamedAfter(name, container);
  });
}

function isNamedAfter(volume: string, { name, labels }: Container): boolean {
  const service = serviceNameOf(labels);
  const project = projectNameOf(labels);
  const words = [name, ...(service === undefined || project === undefined ? [] : [`${project}_${service}`])];
  return words.some((word) => volume === word || (volume.startsWith(word) && /^[-_.]/.test(volume.slice(word.length))));
}
