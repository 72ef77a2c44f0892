import type { Mount } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import type { Precondition, Finding, Plan, ReadonlyHost, Refusal, Step } from '../../contract.ts';
import { planOn, refusal } from '../../shared/for-each-instance.ts';
import { stoppedAgain } from '../../shared/recreate.ts';
import { controlFile } from '../../shared/server-settings.ts';
import { imageUsers, unfitCollations } from './files.ts';
import { type Observed, observe } from './observe.ts';
import { planHealthyMove } from './plan-move.ts';
import { planPlacement } from './plan-placement.ts';
import { placeOf, refusalForKind, refusalForNeighbour, refusalToRepair } from './refusals.ts';
import { isPlacement, type VolumeDetails, type VolumeExpected } from './types.ts';

/**
 * Stops the server, changes the owners, and starts it. See docs/engineering/volumes.md#changing-owners.
 */
async function planChown(
  finding: Finding<VolumeDetails>,
  instance: Instance,
  mount: Mount,
  found: Observed,
  host: ReadonlyHost,
): Promise<Plan<VolumeExpected> | Refusal> {
  const refused = refusalToRepair(instance, mount, found) ?? (await refusalForNeighbour(instance, mount, host));
  if (refused !== undefined) return refused;
  const { container, volumeKey, name, dataDirectory } = instance;
  const control = await controlFile(host, container.id, dataDirectory);
  if (control === undefined)
    return refusal(
      `${placeOf(mount)} has no readable global/pg_control, so owners are not the only problem.`,
      'Check the data and the last good backup.',
    );
  const { id, image, state, user, entrypoint } = container;
  const { uid, gid } = found.seen.owner;
  const { running, startedAt } = state;
  const serves = found.seen.running;
  const stopped: readonly Precondition[] = [
    { check: 'container', ref: id, running: false, name: container.name, image },
    { check: 'volume-unused', volumeKey, except: [] },
  ];
  const steps: readonly Step[] = [
    ...(running
      ? [
          {
            action: 'container.stop',
            params: { container: id, clean: false },
            why: 'A server that cannot open a file may not shut down cleanly; crash recovery runs at the next start.',
            expects: [
              { check: 'container', ref: id, running, name: container.name, image, ...(serves ? { startedAt } : {}) },
              { check: 'volume-unused', volumeKey, except: [id] },
              ...(serves ? [] : [{ check: 'not-serving', ref: id } as const]),
            ],
          } satisfies Step,
        ]
      : []),
    {
      action: 'volume.chown',
      params: {
        mount: { type: mount.type, source: placeOf(mount) },
        folder: found.folder,
        image,
        uid,
        gid,
        topMode: keptMode(found, user !== '' && !entrypoint.some((word) => word.endsWith('docker-entrypoint.sh'))),
      },
      why: `Its server runs as ${uid}:${gid} of ${container.imageName}. Only differing entries are changed, and no mode except that of the folder.`,
      expects: stopped,
    },
    { action: 'container.start', params: { container: id }, expects: stopped },
  ];
  const wanted = running || state.exitCode !== 0;
  return {
    ...planOn(finding, instance),
    summary: `Change the owner of ${placeOf(mount)} to ${uid}:${gid}, the user of ${name}, and start it.`,
    done: `${placeOf(mount)} belongs to ${uid}:${gid}, the user of ${name}, and ${name} is running`,
    steps,
    cleanup: wanted ? [] : [stoppedAgain(id)],
    risk: 'restart',
    downtime: serves
      ? { seconds: 5, why: 'The server restarts, and the owners of its files are changed in between.' }
      : { seconds: 0, why: `${name} is already down.` },
    unpredictable: unpredictableOf(found),
    undo: `Owners and groups of all entries and the mode of the folder are restored, and the container is ${running ? 'started' : 'stopped'} again.`,
    expected: {
      name: container.name,
      mount: { type: mount.type === 'volume' ? 'volume' : 'bind', source: placeOf(mount) },
      aside: null,
      restartPolicy: container.restartPolicy.name,
      systemIdentifier: control.systemIdentifier,
      collations: serves ? await unfitCollations(instance, host) : [],
    },
  };
}

/** The entrypoint sets 0700 at every start; without it, group access is the user's choice. */
function keptMode({ seen }: Observed, withoutEntrypoint: boolean): '700' | '750' {
  return withoutEntrypoint && seen.entries.some(({ path, mode }) => path === '.' && mode === '750') ? '750' : '700';
}

function unpredictableOf({ seen }: Observed): readonly string[] {
  const { uid } = seen.owner;
  const owners = new Set(seen.entries.map((entry) => entry.uid));
  const [only] = owners;
  const links = seen.entries
    .filter(({ type }) => type === 'l')
    .map(({ path, linkTarget }) => `${path} in ${linkTarget}`);
  return [
    ...(owners.size === 1 && only !== 0 && only !== uid
      ? [
          `All data belongs to user ${only}, so it may come from another image. With another C library (Alpine, Debian) text sorts differently: collation versions are compared after the start, and a difference rolls the repair back.`,
        ]
      : []),
    ...(links.length === 0 ? [] : [`Other mounts are not changed: ${links.join(', ')}.`]),
  ];
}

/** Checks again, and plans the repair or the move if it is still needed. */
export async function plan(
  finding: Finding<VolumeDetails>,
  host: ReadonlyHost,
): Promise<Plan<VolumeExpected> | Refusal> {
  const { details } = finding;
  if (isPlacement(details.kind)) return planPlacement(finding, host);
  const instance = await host.instance(finding.instance);
  const mount = instance?.dataMount;
  if (instance === undefined || mount === undefined || instance.container.id !== details.container)
    return refusal(`${finding.instance} has been recreated since it was checked.`, 'Run `problems detect` again.');
  const found = await observe(instance, mount, host, imageUsers(host));
  const { condition } = found;
  if (details.kind === 'bind-mount') return planHealthyMove(finding, instance, mount, found, host);
  if (condition?.kind !== details.kind)
    return refusal(`${finding.instance} has changed since it was checked.`, 'Run `problems detect` again.');
  return condition.kind === 'wrong-owner' || condition.kind === 'wrong-mode'
    ? planChown(finding, instance, mount, found, host)
    : refusalForKind(condition.kind, instance, mount, found);
}
