import { compareBy } from '../../../util/compare.ts';
import type { Mount } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import { type Detection, type Evidence, type Finding, findingId, type ReadonlyHost } from '../../contract.ts';
import { forEachInstance } from '../../shared/for-each-instance.ts';
import { type Observed, observe } from './observe.ts';
import { everyRelation, type ImageUsers, imageUsers } from './files.ts';
import { placeOf } from './refusals.ts';
import { detectPlacement } from './detect-placement.ts';
import { name, type VolumeDetails, volumeSettings } from './types.ts';

/** The error message for a client, if a server is running that cannot read all of its data. */
async function refusedQuery(instance: Instance, { seen }: Observed, host: ReadonlyHost): Promise<readonly Evidence[]> {
  if (!seen.running) return [];
  // The server may exit now; the other evidence is enough.
  const answer = await host.sql.query(instance, everyRelation, { timeoutMs: 30_000 }).catch(() => undefined);
  if (answer === undefined || answer.ok) return [];
  const { message, sqlstate } = answer;
  return [{ type: 'message', text: message, ...(sqlstate === undefined ? {} : { sqlstate }) }];
}

/** How many entries are wrong, their owners, and examples. */
function ownersSeen({ dataMount }: Instance, { condition, seen }: Observed): readonly Evidence[] {
  const wrong = condition !== undefined && 'wrong' in condition ? condition.wrong : [];
  const counts = new Map<string, number>();
  for (const { uid, gid } of wrong) counts.set(`${uid}:${gid}`, (counts.get(`${uid}:${gid}`) ?? 0) + 1);
  const owners = [...counts].sort(compareBy(([key]) => key)).map(([owner, count]) => `${count} of ${owner}`);
  const examples = wrong.slice(0, 5).map(({ path, uid, gid, mode }) => `${JSON.stringify(path)} ${uid}:${gid} ${mode}`);
  const { uid, gid } = seen.owner;
  const result = [`${seen.entries.length} entries`, `the server is ${uid}:${gid}`, ...owners, ...examples].join(', ');
  return [{ type: 'probe', name: `survey of ${dataMount?.source ?? ''}`, result }];
}

/** The summary of a finding. */
function summary({ name: instance, container, dataMount }: Instance, { seen, condition }: Observed): string {
  const place = dataMount === undefined ? '' : placeOf(dataMount);
  const { uid, gid } = seen.owner;
  const state = seen.running ? `${instance} is running` : `${instance} is not running`;
  switch (condition?.kind) {
    case 'wrong-owner':
      return `${state}, and ${condition.wrong.length} of ${seen.entries.length} entries of ${place} do not belong to the user of its server, ${uid}:${gid}.`;
    case 'wrong-mode':
      return `${state}, and ${condition.wrong.length} of ${seen.entries.length} entries of ${place} have modes that its server does not accept.`;
    case 'data-missing':
      return `${state}, and the cluster in ${place} is missing: the mount is wrong, or the data was deleted.`;
    case 'read-only':
      return `${state}: ${place} is read-only.`;
    case 'lost-and-found':
      return `${state}: its data directory is the root of a file system, with a lost+found in it.`;
    case 'ownership-refused':
      return seen.missingCapabilities.length > 0
        ? `${state}: ${container.name} lacks ${seen.missingCapabilities.join(', ')}, so its entrypoint cannot change the owner of the files.`
        : `${state}: ${container.name} may not change the owner of the files in ${place}.`;
    case 'label-refused':
      return `${state}: owners and modes of ${place} are right, but access is denied, as SELinux does.`;
    case undefined:
      return state;
  }
}

/** How many instances to check at the same time: each check is a short-lived container. */
const together = 4;

/**
 * Instances whose server cannot use its files, running or not; whose data end with their container, or were left in an old
 * volume; and moves to a named volume that the config requests.
 */
export async function detect(host: ReadonlyHost): Promise<Detection<VolumeDetails>> {
  const { toNamedVolume } = volumeSettings(host);
  const users = imageUsers(host);
  return forEachInstance(await host.instances(), host, { remediator: name, together }, async (instance, noting) => {
    const { container, dataDirectory, dataMount } = instance;
    await detectPlacement(instance, host, noting);
    if (dataMount === undefined) {
      noting.notLookedAt(
        `The data of ${container.name} is in the container itself (${dataDirectory}): there is no mount to check.`,
        { lasting: true },
      );
      return;
    }
    const found = await findingOn(instance, dataMount, toNamedVolume.includes(instance.name), host, users);
    if (found !== undefined) noting.found(found);
  });
}

async function findingOn(
  instance: Instance,
  dataMount: Mount,
  isToMove: boolean,
  host: ReadonlyHost,
  users: ImageUsers,
): Promise<Finding<VolumeDetails> | undefined> {
  const found = await observe(instance, dataMount, host, users);
  const { condition, seen } = found;
  if (condition === undefined) {
    if (!isToMove || dataMount.type !== 'bind') return undefined;
    return moveFinding(instance, dataMount, found);
  }
  const wrong = 'wrong' in condition ? condition.wrong.length : 0;
  const finding = make(instance, condition.kind, wrong, seen.entries.length, summary(instance, found), [
    ...found.lines.slice(-5).map(({ at, text }): Evidence => ({ type: 'log', at, text })),
    ...(await refusedQuery(instance, found, host)),
    ...ownersSeen(instance, found),
  ]);
  // As observed: between two restarts the engine says for a moment that it is running.
  return seen.running ? finding : { ...finding, down: true };
}

/** A finding that the data should move to a named volume, requested by the config or by someone. */
export function moveFinding(instance: Instance, mount: Mount, { seen }: Observed): Finding<VolumeDetails> {
  const place = mount.type === 'bind' ? `folder ${mount.source}` : `anonymous volume ${mount.name}`;
  const sentence = `The data of ${instance.name} is in the ${place}, and should move to a named volume.`;
  return make(instance, 'bind-mount', 0, seen.entries.length, sentence, []);
}

function make(
  instance: Instance,
  kind: VolumeDetails['kind'],
  wrong: number,
  entries: number,
  sentence: string,
  seen: readonly Evidence[],
): Finding<VolumeDetails> {
  const { container, dataMount } = instance;
  const { status, exitCode, running } = container.state;
  return {
    id: findingId(name, instance.name, kind),
    remediator: name,
    instance: instance.name,
    kind,
    summary: sentence,
    risk: kind === 'bind-mount' ? 'data' : running ? 'restart' : 'safe',
    evidence: [
      { type: 'docker', object: container.name, field: 'State', value: { Status: status, ExitCode: exitCode } },
      {
        type: 'docker',
        object: container.name,
        field: 'Mounts',
        value: {
          Type: dataMount?.type ?? '',
          Source: dataMount?.name || (dataMount?.source ?? ''),
          RW: dataMount?.writable ?? false,
        },
      },
      ...(container.user === ''
        ? []
        : [{ type: 'docker', object: container.name, field: 'Config.User', value: container.user } as const]),
      ...seen,
    ],
    details: { container: container.id, kind, wrong, entries },
    problem: null,
  };
}
