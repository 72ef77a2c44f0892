import { shellQuote } from '../../../util/quote.ts';
import type { Mount } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import type { ReadonlyHost, Refusal } from '../../contract.ts';
import { isSameMount } from '../../shared/recreate.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import type { ConditionKind } from './diagnose.ts';
import type { Observed } from './observe.ts';
import { unexpectedFiles, type UnexpectedFile } from './files.ts';

/**
 * What no program repairs: what stands in the way, and what a person can do. See docs/engineering/volumes.md#messages
 * and docs/engineering/volumes.md#survey.
 */
export function refusalForKind(
  kind: Exclude<ConditionKind, 'wrong-owner' | 'wrong-mode'>,
  instance: Instance,
  mount: Mount,
  { seen }: Observed,
): Refusal {
  const { container, dataDirectory } = instance;
  const place = placeOf(mount);
  const { uid, gid } = seen.owner;
  switch (kind) {
    case 'data-missing':
      return refusal(
        `${container.name} had a cluster, and ${place} holds none. A start would make an empty one in its place.`,
        `Do not start it. Look for the data first: another folder or volume that was mounted at ${mount.destination} (docker inspect of this and older containers), a disk that is not mounted, a backup.`,
      );
    case 'read-only':
      return refusal(
        mount.writable
          ? `The file system of ${place} is read-only. That may be a disk that fails, which remounts itself so.`
          : `${place} is mounted read-only into ${container.name}.`,
        mount.writable
          ? 'Look at the kernel log (dmesg) and at the disk before anything writes to it again.'
          : 'Create the container again without `:ro` at the data, if that was not meant.',
      );
    case 'lost-and-found':
      return refusal(
        `${dataDirectory} is the top of a file system, and lost+found in it belongs to the file system.`,
        `Use a folder in it: set PGDATA to ${dataDirectory}/pgdata and create the container again.`,
      );
    case 'ownership-refused':
      if (seen.missingCapabilities.length > 0) {
        return refusal(
          `${container.name} was created without ${seen.missingCapabilities.join(', ')}, which its entrypoint needs as root.`,
          `Create it again with these capabilities, or with --user ${uid}:${gid} on data that belongs to ${uid}:${gid}.`,
        );
      }
      return seen.entries.length <= 1
        ? refusal(
            `${place} is empty and does not belong to ${uid}:${gid}, and nothing says that it is meant to be a new cluster.`,
            `If it is new: docker run --rm --network none --user 0:0 --entrypoint chown -v ${shellQuote(place)}:/d ${container.imageName} ${uid}:${gid} /d, then start it.`,
          )
        : refusal(
            `Root in ${container.name} may not give away the files of ${place}: the folder is from NFS with root_squash, or the engine maps user ids (userns, rootless).`,
            `Give them to ${uid}:${gid} as the container sees it where they are kept: on the NFS server's export, or on this machine with the mapped ids.`,
          );
    case 'label-refused':
      return refusal(
        `Owners and modes of ${place} are right, so SELinux refuses it: the label of the files is not the container's.`,
        `Look for "avc: denied" in the audit log, and create the container again with :Z at the mount (:z if other containers use it too; neither on a folder of the system).`,
      );
  }
}

/** Why the entries in the way are not simply given to the server, if so. */
export function refusalToRepair(
  instance: Instance,
  mount: Mount,
  { seen, trouble, folder }: Observed,
): Refusal | undefined {
  const { container } = instance;
  if (mount.type !== 'bind' && mount.type !== 'volume')
    return refusal(`The data of ${container.name} is in a mount of the type ${mount.type}.`, 'Look at it by hand.');
  const odd = oddOf(instance, seen.entries, seen.owner);
  if (odd.length > 0) return refusalForOdd(mount, odd);
  if (container.autoRemove)
    return refusal(
      `${container.name} was made with --rm: when it stops, the engine removes it.`,
      'Create it again without --rm.',
    );
  const wrong = trouble?.kind === 'wrong-mode' ? trouble.wrong.filter(({ path }) => path !== '.') : [];
  if (wrong.length === 0) return undefined;
  const paths = wrong.slice(0, 10).map(({ path }) => shellQuote(`./${folder === '.' ? '' : `${folder}/`}${path}`));
  return refusal(
    `${wrong.length} entries of ${placeOf(mount)} belong to the server and are closed to it by their modes. Somebody did that on purpose, or something else went wrong.`,
    `If it was not meant: chmod u+rwX ${paths.join(' ')}${wrong.length > paths.length ? ' and the others' : ''}, in ${placeOf(mount)}.`,
  );
}

export function oddOf(
  { container }: Instance,
  entries: Observed['seen']['entries'],
  owner: Observed['seen']['owner'],
): readonly UnexpectedFile[] {
  return unexpectedFiles(entries, { owner, mounts: container.mounts.map(({ destination }) => destination) });
}

export function refusalForOdd(mount: Mount, odd: readonly UnexpectedFile[]): Refusal {
  const shown = odd.slice(0, 5).map(({ path, why }) => `${JSON.stringify(path)}: ${why}`);
  return refusal(
    `${placeOf(mount)} holds what a data directory does not hold of itself. ${shown.join('; ')}${odd.length > shown.length ? `; and ${odd.length - shown.length} more` : ''}.`,
    'Find out who put it there, and take it away. Giving it to the server could give away a file that lies elsewhere.',
  );
}

/** Another container that runs on the same folder or volume, whatever part of it. */
export async function refusalForNeighbour(
  { container }: Instance,
  mount: Mount,
  host: ReadonlyHost,
): Promise<Refusal | undefined> {
  const other = (await host.docker.containers()).find(
    ({ id, state, mounts }) =>
      id !== container.id && state.running && mounts.some((theirs) => theirs.writable && isSameMount(theirs, mount)),
  );
  return other === undefined
    ? undefined
    : refusal(
        `${other.name} runs on ${placeOf(mount)} too.`,
        `docker stop ${other.name}, after looking what it is for.`,
      );
}

export function placeOf({ name, source }: Mount): string {
  return name || source;
}
