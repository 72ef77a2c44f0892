import { join, relative, resolve } from 'node:path/posix';
import { dataDirectoryOf, runsServer } from '../../../host/image-contract.ts';
import type { Container, Mount } from '../../../host/docker/types.ts';
import { isWithin } from '../../../util/text.ts';
import type { ReadonlyHost } from '../../contract.ts';
import { mountAt } from '../../shared/data-directory.ts';
import { laterOf } from './types.ts';

/** A container with a server that is running, and where its data are. */
export interface Server {
  readonly container: Container;
  /** The same text for every container with the same data: a path of a volume, or a folder of the machine. */
  readonly place: string;
}

/**
 * The server of a container and another one on its data; of several, the one that started last. Containers are asked for their
 * processes only if another running one has a mount in common.
 */
export async function twoServers(
  container: Container,
  host: ReadonlyHost,
): Promise<readonly [own: Server, other: Server] | undefined> {
  if (!(await neighbours(container, host)).some(({ id }) => id !== container.id)) return undefined;
  const own = await serverOf(container, host);
  const all = own === undefined ? [] : await serversOn(own, host);
  const [other] = all
    .filter((one) => one.container.id !== container.id)
    .toSorted((a, b) => (laterOf(a.container, b.container) === a.container ? -1 : 1));
  return own === undefined || other === undefined ? undefined : [own, other];
}

/** Every server on the data of one, with itself if it still runs. */
export async function serversOn({ container, place }: Server, host: ReadonlyHost): Promise<readonly Server[]> {
  const near = await neighbours(container, host);
  const servers = await Promise.all(near.map(async (one) => serverOf(one, host)));
  return servers.filter((one) => one !== undefined).filter((one) => one.place === place);
}

/** Running containers with a mount in common with this one, and itself. */
async function neighbours({ mounts }: Container, host: ReadonlyHost): Promise<readonly Container[]> {
  return (await host.docker.containers()).filter(
    (one) => one.state.running && one.mounts.some((mount) => mounts.some((own) => overlap(own, mount))),
  );
}

/**
 * Undefined if nothing in the container is a server, or if its data are in no mount that it can write. What runs decides, so that
 * images of other makers count too; of a container that is about to start its server, the command.
 */
export async function serverOf(container: Container, host: ReadonlyHost): Promise<Server | undefined> {
  if (!container.state.running) return undefined;
  // One that ends meanwhile has no processes.
  const processes = await host.docker.processes(container.id).catch(() => []);
  if (!runsServer(processes) && !willRunServer(container)) return undefined;
  const place = placeOf(container, dataDirectoryOf(container, processes));
  return place === undefined ? undefined : { container, place };
}

/** An image of PostgreSQL whose command is the server: not a tool that runs in the same image. */
function willRunServer({ env, entrypoint, command }: Container): boolean {
  if (env['PG_MAJOR'] === undefined && env['PGDATA'] === undefined) return false;
  const [program = ''] = [...command, ...entrypoint];
  return program.startsWith('-') || /(?:^|\/)(?:postgres|postmaster|docker-entrypoint\.sh)$/.test(program);
}

function placeOf({ mounts }: Container, directory: string): string | undefined {
  const mount = mountAt(
    mounts.filter(({ writable }) => writable),
    directory,
  );
  if (mount === undefined) return undefined;
  const within = relative(resolve('/', mount.destination), directory);
  return mount.type === 'volume'
    ? `volume ${mount.name}:${join('/', within)}`
    : `folder ${resolve(mount.source, within)}`;
}

/** The same volume, or folders of which one contains the other. */
function overlap(a: Mount, b: Mount): boolean {
  if (a.type === 'volume' || b.type === 'volume') return a.type === b.type && a.name === b.name;
  const [left, right] = [resolve('/', a.source), resolve('/', b.source)];
  return isWithin(left, right) || isWithin(right, left);
}
