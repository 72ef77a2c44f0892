import type { Mount } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import type { Expectation, Finding, Plan, ReadonlyHost, Refusal, Step } from '../../contract.ts';
import { controlFile } from '../../instances/control-file.ts';
import { refusal } from '../../instances/refusal.ts';
import { stoppedAgain } from '../../shared/recreate.ts';
import type { Look } from './look.ts';
import { unfitCollations } from './queries.ts';
import { placeOf, refusalForNeighbour, refusalToRepair } from './refusals.ts';
import type { VolumeDetails, VolumeExpected } from './types.ts';

/** Stops what runs, gives the server what is in its way, and starts it. PGOPS §4.3. */
export async function planRepair(
  finding: Finding<VolumeDetails>,
  instance: Instance,
  mount: Mount,
  found: Look,
  host: ReadonlyHost,
): Promise<Plan<VolumeExpected> | Refusal> {
  const refused = refusalToRepair(instance, mount, found) ?? (await refusalForNeighbour(instance, mount, host));
  if (refused !== undefined) return refused;
  const { container, volumeKey, name, dataDirectory } = instance;
  const control = await controlFile(host, container.id, dataDirectory);
  if (control === undefined)
    return refusal(
      `${placeOf(mount)} has no global/pg_control that can be read: owners are not all that is wrong.`,
      'Look at the data, and at the last good backup.',
    );
  const { id, image, state, user, entrypoint } = container;
  const { uid, gid } = found.seen.owner;
  const { running, startedAt } = state;
  const serves = found.seen.running;
  const stopped: readonly Expectation[] = [
    { check: 'container', ref: id, running: false, name: container.name, image },
    { check: 'volume-unused', volumeKey, except: [] },
  ];
  const steps: readonly Step[] = [
    ...(running
      ? [
          {
            action: 'container.stop',
            params: { container: id, clean: false },
            why: 'A server that cannot open a file cannot always end cleanly: what it had not written is recovered at the start.',
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
      why: `Its server runs as ${uid}:${gid} of ${container.imageName}. Only what differs is changed, and no mode but the folder's own.`,
      expects: stopped,
    },
    { action: 'container.start', params: { container: id }, expects: stopped },
  ];
  const wanted = running || state.exitCode !== 0;
  return {
    type: 'plan',
    remediator: finding.remediator,
    finding,
    target: { instance: name, container: id, volumes: [volumeKey] },
    summary: `Give ${placeOf(mount)} to the server of ${name}, ${uid}:${gid}, and start it.`,
    steps,
    cleanup: wanted ? [] : [stoppedAgain(id)],
    leftovers: [],
    risk: 'restart',
    downtime: serves
      ? { seconds: 5, why: 'The server shuts down, its files change owners, and it starts again.' }
      : { seconds: 0, why: `${name} does not answer as it is.` },
    unpredictable: foreseen(found),
    undo: `Every entry gets back the owner and group that it had, the folder its mode; ${running ? 'the container is started' : 'the container is stopped'} again.`,
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

/** The entrypoint sets 0700 at every start; without it, what the group may read is the user's choice. */
function keptMode({ seen }: Look, withoutEntrypoint: boolean): '700' | '750' {
  return withoutEntrypoint && seen.entries.some(({ path, mode }) => path === '.' && mode === '750') ? '750' : '700';
}

function foreseen({ seen }: Look): readonly string[] {
  const { uid } = seen.owner;
  const owners = new Set(seen.entries.map((entry) => entry.uid));
  const [only] = owners;
  const links = seen.entries
    .filter(({ type }) => type === 'l')
    .map(({ path, linkTarget }) => `${path} in ${linkTarget}`);
  return [
    ...(owners.size === 1 && only !== 0 && only !== uid
      ? [
          `The data is all of user ${only}, so it may come from another image. If the C library there is another one (Alpine, Debian), text is sorted otherwise: the versions are compared after the start, and a difference undoes the repair.`,
        ]
      : []),
    ...(links.length === 0 ? [] : [`What lies in other mounts is left alone: ${links.join(', ')}.`]),
  ];
}
