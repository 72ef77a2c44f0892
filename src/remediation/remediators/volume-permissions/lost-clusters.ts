import type { Mount } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import type { ReadonlyHost } from '../../contract.ts';
import { isRunning } from '../../shared/availability.ts';
import { controlFile } from '../../shared/server-settings.ts';
import { lostVolumes, mostVolumes } from './placement.ts';

/** What a server says about its data. */
export interface ServerSays {
  readonly dataDirectory: string;
  /** Whether someone has made a table or a database. */
  readonly isEmpty: boolean;
}

/** The row of the setting is hidden from roles without `pg_read_all_settings`. */
const question = `SELECT (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'data_directory') AS directory,
  NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p', 'm', 'f') AND oid >= 16384)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_database
    WHERE datname NOT IN ('postgres', 'template0', 'template1', pg_catalog.current_database())) AS empty`;

/** Undefined if it does not answer, or does not tell this role. */
export async function askServer(instance: Instance, host: ReadonlyHost): Promise<ServerSays | undefined> {
  if (!isRunning(instance)) return undefined;
  // A container in a restart loop may exit now.
  const answer = await host.sql.query(instance, question).catch(() => undefined);
  const [row] = answer?.ok === true ? answer.rows : [];
  const directory = row?.['directory'] ?? '';
  return directory.startsWith('/') ? { dataDirectory: directory, isEmpty: row?.['empty'] === 't' } : undefined;
}

/** Whether a container that says nothing itself has a cluster in this directory. */
export async function hasCluster({ container }: Instance, directory: string, host: ReadonlyHost): Promise<boolean> {
  return (await controlFile(host, container.id, directory).catch(() => undefined)) !== undefined;
}

/** A cluster that is part of the image is there to be thrown away; one that was made in the container is not. */
export async function isMadeHere({ container }: Instance, directory: string, host: ReadonlyHost): Promise<boolean> {
  const changes = await host.docker.changes(container.id);
  return changes.some(({ path, kind }) => kind === 'added' && path === `${directory}/PG_VERSION`);
}

/** An unattached volume with a cluster that has more files than the empty one. */
export interface LostCluster {
  readonly volume: string;
  /** The folder of the volume that holds it, or `.`. */
  readonly folder: string;
  readonly files: number;
}

export interface Search {
  readonly found: readonly LostCluster[];
  /** Volumes beyond the most that are searched. */
  readonly unsearched: readonly string[];
}

/** Searches unattached volumes for the cluster that an empty one has replaced. */
export async function searchVolumes(instance: Instance, own: Mount, host: ReadonlyHost): Promise<Search> {
  const { container } = instance;
  const [volumes, containers] = await Promise.all([host.docker.volumes(), host.docker.containers()]);
  const candidates = lostVolumes(container, own, volumes, containers);
  if (candidates.length === 0) return { found: [], unsearched: [] };
  const { entries } = await host.probes.survey(own, container.image, { inside: container.id });
  const found: LostCluster[] = [];
  for (const { name } of candidates.slice(0, mostVolumes)) {
    const mount = { type: 'volume', name, source: '', destination: '', writable: false, anonymous: false };
    const survey = await host.probes.survey(mount, container.image);
    const control = survey.entries.find(({ path }) => /(?:^|\/)global\/pg_control$/.test(path))?.path;
    if (control === undefined || survey.entries.length <= entries.length) continue;
    const folder = control.replace(/\/?global\/pg_control$/, '') || '.';
    found.push({ volume: name, folder, files: survey.entries.length });
  }
  return { found, unsearched: candidates.slice(mostVolumes).map(({ name }) => name) };
}
