import { ProblemsError } from '../../../errors.ts';
import { shellQuote } from '../../../util/quote.ts';
import type { Mount } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import type {
  Precondition,
  Finding,
  Json,
  Leftover,
  Plan,
  ReadonlyHost,
  Refusal,
  RequestedWork,
} from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import {
  keptContainer,
  type RecreateAdvice,
  recreateSteps,
  refusalToRecreate,
  stoppedAgain,
} from '../../shared/recreate.ts';
import { controlFile } from '../../shared/server-settings.ts';
import { moveFinding } from './detect.ts';
import { bytesOf, imageUsers, unfitCollations } from './files.ts';
import { type Observed, observe } from './observe.ts';
import { oddOf, placeOf, refusalForNeighbour, refusalForOdd } from './refusals.ts';
import type { VolumeExpected } from './types.ts';

/**
 * Copies the data in a folder or an anonymous volume into a new named volume, and recreates the container on it.
 * See docs/engineering/volumes.md#moving-to-a-named-volume.
 */
async function planMove<Details extends Json>(
  finding: Finding<Details>,
  instance: Instance,
  mount: Mount,
  found: Observed,
  host: ReadonlyHost,
  advice: RecreateAdvice,
): Promise<Plan<VolumeExpected> | Refusal> {
  const refused =
    refusalForData(instance, mount, found) ??
    (await refusalForNeighbour(instance, mount, host)) ??
    (await refusalToRecreate(instance, host, advice));
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
  const from = shownPlace(mount);
  const alone: Precondition = { check: 'volume-unused', volumeKey, except: [] };
  const steps = recreateSteps({
    instance,
    edits: { mounts: { [mount.destination]: { source: volume, writable: true } } },
    why: 'Docker cannot change the mounts of an existing container.',
    whileStopped: [
      {
        action: 'volume.copy',
        params: { source: placeOf(mount), volume, image, ...(found.folder === '.' ? {} : { folder: found.folder }) },
        why: 'The old data is only read. Owners, modes and the SHA-256 of every file are compared before the copy counts as complete.',
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
    summary: `Move the data of ${name} from ${from} to the named volume ${volume}.`,
    done: `the data of ${name} moved from ${from} to the named volume ${volume}`,
    steps,
    cleanup: running ? [] : [stoppedAgain(container.name)],
    leftovers: leftoversOf(instance, mount),
    risk: 'data',
    downtime: await downtimeOf(instance, host),
    unpredictable: [
      ...(mount.type === 'bind'
        ? [`Programs that read ${mount.source} directly, such as backups of the folder, read old data from then on.`]
        : []),
      'Free disk space is checked right before copying; without enough space the run is rolled back.',
    ],
    undo: `The new container is removed without its volume, and the old one gets back its name and restart policy${running ? ' and is started' : ''} on its old data. Rows written since the move are only in the volume ${volume}, which is kept.`,
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

/** What is kept: the old container goes first, since it holds the old data. */
function leftoversOf({ container }: Instance, mount: Mount): readonly Leftover[] {
  const why =
    'The data from before the move. Keep it for at least seven days, and until a backup of the volume has been restored.';
  const kept = {
    ...keptContainer(container),
    why: 'The old container on the old data. It must not be started while the new one is running.',
  };
  const object = shownPlace(mount);
  return mount.type === 'bind'
    ? [{ object, why, command: `sudo rm -r -- ${shellQuote(mount.source)}` }, kept]
    : [kept, { object, why, command: `docker volume rm ${mount.name}` }];
}

function shownPlace({ type, name, source }: Mount): string {
  return type === 'bind' ? `folder ${source}` : `anonymous volume ${name}`;
}

/** A folder of the machine, or a volume that has no name in any configuration. */
function canMove({ type, anonymous }: Mount): boolean {
  return type === 'bind' || (type === 'volume' && anonymous);
}

function refusalForData(instance: Instance, mount: Mount, { seen, folder }: Observed): Refusal | undefined {
  if (!canMove(mount))
    return refusal(
      `The data of ${instance.name} is not in a folder of the machine, but in a ${mount.type}.`,
      'No action needed.',
    );
  if (folder !== '.' && mount.type === 'bind')
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
 * Plans the requested move of an instance's data to a named volume. Undefined if the data is already in one.
 */
export async function requestMove(instance: Instance, host: ReadonlyHost): Promise<RequestedWork | undefined> {
  const { name, container, dataDirectory, dataMount: mount } = instance;
  if (mount === undefined)
    throw new ProblemsError(
      'step-refused',
      `The data of ${name} is in the container ${container.name} itself (${dataDirectory}); there is no folder to move.`,
    );
  if (!canMove(mount)) return undefined;
  const found = await observe(instance, mount, host, imageUsers(host));
  const finding = moveFinding(instance, mount, found);
  const made = await planHealthyMove(finding, instance, mount, found, host);
  return { finding, plan: made.type === 'refusal' ? made : { ...made, requested: true } };
}

/** Moves only data that its server can use. */
export async function planHealthyMove<Details extends Json>(
  finding: Finding<Details>,
  instance: Instance,
  mount: Mount,
  found: Observed,
  host: ReadonlyHost,
  advice: RecreateAdvice = {},
): Promise<Plan<VolumeExpected> | Refusal> {
  const { condition } = found;
  return condition === undefined
    ? planMove(finding, instance, mount, found, host, advice)
    : refusal(
        `${instance.name} has another problem: ${condition.kind}.`,
        `Repair it first: problems remediate --remediator volume-permissions --instance ${instance.name}`,
      );
}
