import { ProblemsError } from '../../../errors.ts';
import { shellQuote } from '../../../util/quote.ts';
import type { Mount } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import type { Precondition, Finding, Plan, ReadonlyHost, Refusal, RequestedWork, Step } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { keptContainer, recreateSteps, refusalToRecreate, stoppedAgain } from '../../shared/recreate.ts';
import { controlFile } from '../../shared/server-settings.ts';
import { moveFinding } from './detect.ts';
import { type Observed, observe } from './observe.ts';
import { bytesOf, imageUsers, unfitCollations } from './files.ts';
import { oddOf, placeOf, refusalForKind, refusalForNeighbour, refusalForOdd, refusalToRepair } from './refusals.ts';
import type { VolumeDetails, VolumeExpected } from './types.ts';

/**
 * Copies a folder's data into a new named volume, and recreates the container on it.
 * See docs/engineering/volumes.md#moving-to-a-named-volume.
 */
async function planMove(
  finding: Finding<VolumeDetails>,
  instance: Instance,
  mount: Mount,
  found: Observed,
  host: ReadonlyHost,
): Promise<Plan<VolumeExpected> | Refusal> {
  const refused =
    refusalForData(instance, mount, found) ??
    (await refusalForNeighbour(instance, mount, host)) ??
    (await refusalToRecreate(instance, host));
  if (refused !== undefined) return refused;
  const { container, name, volumeKey, dataDirectory } = instance;
  const { id, image, restartPolicy } = container;
  const { running } = container.state;
  const control = await controlFile(host, id, dataDirectory);
  if (control === undefined || (!running && !control.shutDown))
    return refusal(
      `The server of ${name} has not shut down cleanly, so its data needs crash recovery first.`,
      `Start ${container.name}, let it recover, then try again.`,
    );
  const volume = await freeName(`${container.name}-data`, host);
  const { id: engine } = await host.docker.info();
  const alone: Precondition = { check: 'volume-unused', volumeKey, except: [] };
  const steps = recreateSteps({
    instance,
    edits: { mounts: { [mount.destination]: { source: volume, writable: true } } },
    why: 'Docker cannot change the mounts of an existing container.',
    whileStopped: [
      {
        action: 'volume.copy',
        params: { source: mount.source, volume, image },
        why: 'The folder is only read. Owners, modes and the SHA-256 of every file are compared before the copy counts as complete.',
        expects: [{ check: 'container', ref: id, running: false, image }, alone],
      },
    ],
    startExpects: [alone],
  });
  return {
    type: 'plan',
    remediator: finding.remediator,
    finding,
    target: { instance: name, container: id, volumes: [volumeKey, `volume:${engine}/${volume}`] },
    summary: `Move the data of ${name} from ${mount.source} to the named volume ${volume}.`,
    done: `the data of ${name} moved from ${mount.source} to the named volume ${volume}`,
    steps,
    cleanup: running ? [] : [stoppedAgain(container.name)],
    leftovers: [
      {
        object: `folder ${mount.source}`,
        why: 'The data from before the move. Keep it for at least seven days, and until a backup of the volume has been restored.',
        command: `sudo rm -r -- ${shellQuote(mount.source)}`,
      },
      {
        ...keptContainer(container),
        why: 'The old container on the old folder. It must not be started while the new one is running.',
      },
    ],
    risk: 'data',
    downtime: await downtimeOf(instance, host),
    unpredictable: [
      `Programs that read ${mount.source} directly, such as backups of the folder, read old data from then on.`,
      'Free disk space is checked right before copying; without enough space the run is rolled back.',
    ],
    undo: `The new container is removed without its volume, and the old one gets back its name and restart policy${running ? ' and is started' : ''} on the folder. Rows written since the move are only in the volume ${volume}, which is kept.`,
    expected: {
      name: container.name,
      mount: { type: 'volume', source: volume },
      aside: id,
      restartPolicy: restartPolicy.name,
      systemIdentifier: control.systemIdentifier,
      collations: running ? await unfitCollations(instance, host) : [],
    },
  };
}

function refusalForData(instance: Instance, mount: Mount, { seen, folder }: Observed): Refusal | undefined {
  if (mount.type !== 'bind')
    return refusal(
      `The data of ${instance.name} is not in a folder of the machine, but in a ${mount.type}.`,
      'No action needed.',
    );
  if (folder !== '.')
    return refusal(
      `The data is in ${folder} within the mounted folder ${mount.source}, which also has other files.`,
      'Move it by hand, or mount the data directory itself.',
    );
  if (/alpine/i.test(instance.container.imageName))
    return refusal(
      `${instance.container.imageName} lacks GNU find or tar, which are needed to copy and compare.`,
      'Copy it by hand with an image that has them.',
    );
  const odd = oddOf(instance, seen.entries, seen.owner);
  if (odd.length > 0) return refusalForOdd(mount, odd);
  const links = seen.entries
    .filter(({ type }) => type === 'l')
    .map(({ path, linkTarget }) => `${path} (${linkTarget})`);
  return links.length === 0
    ? undefined
    : refusal(
        `Part of the cluster is outside its data directory and would have to move too: ${links.join(', ')}.`,
        'Move the tablespaces back with ALTER DATABASE and ALTER TABLE … SET TABLESPACE first.',
      );
}

/** Measured speed of copying and comparing on a busy machine with two cores; docs/remediation/volume-permissions.md. */
const bytesPerSecond = 25e6;

async function downtimeOf(instance: Instance, host: ReadonlyHost): Promise<Plan['downtime']> {
  if (!instance.container.state.running) return { seconds: 0, why: `${instance.name} is already down.` };
  const bytes = await bytesOf(instance, host);
  const why = 'The server is down while its data is copied and compared';
  if (bytes === undefined) return { seconds: 60, why: `${why}; its size could not be read.` };
  return { seconds: 5 + Math.ceil(bytes / bytesPerSecond), why: `${why}: ${Math.ceil(bytes / 1e6)} MB.` };
}

/** An existing volume is never written to. */
async function freeName(wanted: string, host: ReadonlyHost): Promise<string> {
  const taken = new Set((await host.docker.volumes()).map(({ name }) => name));
  let name = wanted;
  for (let number = 2; taken.has(name); number += 1) name = `${wanted}-${number}`;
  return name;
}

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
    type: 'plan',
    remediator: finding.remediator,
    finding,
    target: { instance: name, container: id, volumes: [volumeKey] },
    summary: `Change the owner of ${placeOf(mount)} to ${uid}:${gid}, the user of ${name}, and start it.`,
    done: `${placeOf(mount)} belongs to ${uid}:${gid}, the user of ${name}, and ${name} is running`,
    steps,
    cleanup: wanted ? [] : [stoppedAgain(id)],
    leftovers: [],
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

/**
 * Plans the requested move of an instance's data from a folder to a named volume. Undefined if the data is already in a
 * volume.
 */
export async function requestMove(instance: Instance, host: ReadonlyHost): Promise<RequestedWork | undefined> {
  const { name, container, dataDirectory, dataMount: mount } = instance;
  if (mount === undefined)
    throw new ProblemsError(
      'step-refused',
      `The data of ${name} is in the container ${container.name} itself (${dataDirectory}); there is no folder to move.`,
    );
  if (mount.type !== 'bind') return undefined;
  const found = await observe(instance, mount, host, imageUsers(host));
  const finding = moveFinding(instance, mount, found);
  const made = await planHealthyMove(finding, instance, mount, found, host);
  return { finding, plan: made.type === 'refusal' ? made : { ...made, requested: true } };
}

/** Moves only data that its server can use. */
async function planHealthyMove(
  finding: Finding<VolumeDetails>,
  instance: Instance,
  mount: Mount,
  found: Observed,
  host: ReadonlyHost,
): Promise<Plan<VolumeExpected> | Refusal> {
  const { condition } = found;
  return condition === undefined
    ? planMove(finding, instance, mount, found, host)
    : refusal(
        `${instance.name} has another problem: ${condition.kind}.`,
        `Repair it first: problems remediate --remediator volume-permissions --instance ${instance.name}`,
      );
}
