import type { Instance } from '../../../host/instance.ts';
import { type Evidence, type Finding, findingId, type ReadonlyHost } from '../../contract.ts';
import { mountAt } from '../../shared/data-directory.ts';
import type { Collector } from '../../shared/for-each-instance.ts';
import {
  askServer,
  hasCluster,
  isMadeHere,
  type LostCluster,
  searchVolumes,
  type ServerSays,
} from './lost-clusters.ts';
import { type Placement, placementOf } from './placement.ts';
import { name, type VolumeDetails } from './types.ts';

/** Whether the data of an instance end with its container; and an empty one whose data may be in a volume that nothing uses. */
export async function detectPlacement(
  instance: Instance,
  host: ReadonlyHost,
  noting: Collector<VolumeDetails>,
): Promise<void> {
  // A container that was never started has no data yet.
  if (instance.container.state.status === 'created') return;
  const says = await askServer(instance, host);
  const directory = says?.dataDirectory ?? instance.dataDirectory;
  const placement = placementOf(instance.container, directory);
  if (await isAtRisk(instance, placement, directory, says, host))
    noting.found(findingOn(instance, placement, directory, says));
  if (says?.isEmpty === true) await noteLostClusters(instance, directory, host, noting);
}

async function isAtRisk(
  instance: Instance,
  { kind }: Placement,
  directory: string,
  says: ServerSays | undefined,
  host: ReadonlyHost,
): Promise<boolean> {
  if (kind === 'kept' || kind === 'memory') return false;
  if (says === undefined && !(await hasCluster(instance, directory, host))) return false;
  return kind === 'anonymous-volume' || isMadeHere(instance, directory, host);
}

function findingOn(
  instance: Instance,
  placement: Placement,
  directory: string,
  says: ServerSays | undefined,
): Finding<VolumeDetails> {
  const { container } = instance;
  const where = says === undefined ? directory : `${directory}, as its server says`;
  const lost = 'a new container, such as `docker compose up` makes, or `docker rm -v` loses them';
  const [wrong] = placement.kind === 'anonymous-volume' ? placement.misplaced : [];
  const instead =
    wrong === undefined
      ? ''
      : ` ${wrong.name || wrong.source} is mounted at ${wrong.destination}, and the data are not in it.`;
  const summary =
    placement.kind === 'anonymous-volume'
      ? `The data of ${instance.name} (${where}) are in an anonymous volume, ${placement.mount.name.slice(0, 12)}: ${lost}.${instead}`
      : `The data of ${instance.name} (${where}) are in the container itself: ${lost.replace('-v`', '`')}.`;
  return {
    ...common(instance, placement.kind === 'anonymous-volume' ? 'anonymous-volume' : 'in-container', []),
    summary,
    evidence: [
      mountsOf(instance),
      ...(says === undefined
        ? []
        : [{ type: 'query', sql: 'SHOW data_directory', result: directory } satisfies Evidence]),
      ...(container.autoRemove
        ? [
            {
              type: 'docker',
              object: container.name,
              field: 'HostConfig.AutoRemove',
              value: true,
            } satisfies Evidence,
          ]
        : []),
    ],
  };
}

async function noteLostClusters(
  instance: Instance,
  directory: string,
  host: ReadonlyHost,
  noting: Collector<VolumeDetails>,
): Promise<void> {
  const { container } = instance;
  const own = mountAt(
    container.mounts.filter(({ type }) => type === 'volume'),
    directory,
  );
  if (own === undefined) return;
  const { found, unsearched } = await searchVolumes(instance, own, host);
  if (found.length > 0) noting.found(emptyFinding(instance, found));
  if (unsearched.length > 0)
    noting.notLookedAt(
      `${instance.name} has an empty cluster, and of the unattached volumes that may hold its data these were not searched: ${shownVolumes(unsearched)}. Remove those that you do not need, or look for PG_VERSION in them.`,
    );
}

function shownVolumes(volumes: readonly string[]): string {
  return `${volumes.slice(0, 5).join(', ')}${volumes.length > 5 ? ` and ${volumes.length - 5} more` : ''}`;
}

function emptyFinding(instance: Instance, found: readonly LostCluster[]): Finding<VolumeDetails> {
  const volumes = found.map(({ volume }) => volume);
  return {
    ...common(instance, 'empty-cluster', volumes),
    summary: `${instance.name} runs on an empty cluster, and the unattached volume ${volumes.join(', ')} holds one with data. The wrong volume may be mounted.`,
    evidence: [
      mountsOf(instance),
      ...found.map(({ volume, folder, files }): Evidence => ({
        type: 'probe',
        name: `survey of ${volume}`,
        result: `a cluster in ${folder}, ${files} entries, no container has it`,
      })),
    ],
  };
}

function common(
  { name: instance, container }: Instance,
  kind: VolumeDetails['kind'],
  volumes: readonly string[],
): Pick<Finding<VolumeDetails>, 'id' | 'remediator' | 'instance' | 'kind' | 'risk' | 'details' | 'problem'> {
  return {
    id: findingId(name, instance, kind),
    remediator: name,
    instance,
    kind,
    risk: 'data',
    details: {
      container: container.id,
      kind,
      wrong: 0,
      entries: 0,
      ...(volumes.length === 0 ? {} : { volumes: [...volumes] }),
    },
    problem: null,
  };
}

function mountsOf({ container }: Instance): Evidence {
  const mounts = container.mounts.map(
    ({ type, name: volume, source, destination, anonymous }) =>
      `${destination}: ${type} ${volume || source}${anonymous ? ' (anonymous)' : ''}`,
  );
  return { type: 'docker', object: container.name, field: 'Mounts', value: mounts };
}
