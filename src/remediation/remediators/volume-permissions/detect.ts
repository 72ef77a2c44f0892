import type { Mount } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import { type Detection, type Evidence, type Finding, findingId, type ReadonlyHost } from '../../contract.ts';
import { lookAtEach } from '../../shared/for-each-instance.ts';
import { ownersSeen, refusedQuery, summary } from './evidence.ts';
import { look } from './look.ts';
import { type ImageUsers, imageUsers } from './runtime.ts';
import { volumeSettings } from './settings.ts';
import type { VolumeDetails } from './types.ts';

export const name = 'volume-permissions';

/** How many instances are looked at together: each look is a short-lived container. */
const together = 4;

/** Instances whose server cannot use its files, running or not; and moves to a named volume that the config asks for. */
export async function detect(host: ReadonlyHost): Promise<Detection<VolumeDetails>> {
  const { toNamedVolume } = volumeSettings(host);
  const users = imageUsers(host);
  return lookAtEach(await host.instances(), host, { remediator: name, together }, async (instance, noting) => {
    const { container, dataDirectory, dataMount } = instance;
    if (dataMount === undefined) {
      noting.notLookedAt(
        `The data of ${container.name} is in the container itself (${dataDirectory}): there is no mount to survey.`,
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
  const found = await look(instance, dataMount, host, users);
  const { trouble, seen } = found;
  if (trouble === undefined) {
    if (!isToMove || dataMount.type !== 'bind') return undefined;
    return make(
      instance,
      'bind-mount',
      0,
      seen.entries.length,
      `The data of ${instance.name} is in the folder ${dataMount.source}, and is to move to a named volume.`,
      [],
    );
  }
  const wrong = 'wrong' in trouble ? trouble.wrong.length : 0;
  return make(instance, trouble.kind, wrong, seen.entries.length, summary(instance, found), [
    ...found.lines.slice(-5).map(({ at, text }): Evidence => ({ type: 'log', at, text })),
    ...(await refusedQuery(instance, found, host)),
    ...ownersSeen(instance, found),
  ]);
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
