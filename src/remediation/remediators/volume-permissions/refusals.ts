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
 * Problems that are not repaired automatically: the reason, and what you can do. See docs/engineering/volumes.md#messages
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
        `${container.name} had a cluster, but ${place} has none. A start would create an empty one.`,
        `Do not start it. Find the data first: another folder or volume that was mounted at ${mount.destination} (docker inspect of this and older containers), an unmounted disk, or a backup.`,
      );
    case 'read-only':
      return refusal(
        mount.writable
          ? `The file system of ${place} is read-only. The kernel may have remounted it after disk errors.`
          : `${place} is mounted read-only into ${container.name}.`,
        mount.writable
          ? 'Check the kernel log (dmesg) and the disk before anything writes to it again.'
          : 'If that is not intended, recreate the container without `:ro` for the data.',
      );
    case 'lost-and-found':
      return refusal(
        `${dataDirectory} is the root of a file system, and its lost+found belongs to the file system.`,
        `Use a subfolder: recreate the container with PGDATA=${dataDirectory}/pgdata.`,
      );
    case 'ownership-refused':
      if (seen.missingCapabilities.length > 0) {
        return refusal(
          `${container.name} was created without ${seen.missingCapabilities.join(', ')}, which its entrypoint needs as root.`,
          `Recreate it with these capabilities, or with --user ${uid}:${gid} on data that belongs to ${uid}:${gid}.`,
        );
      }
      return seen.entries.length <= 1
        ? refusal(
            `${place} is empty and does not belong to ${uid}:${gid}, and it is unclear whether a new cluster is wanted.`,
            `If it is new, run: docker run --rm --network none --user 0:0 --entrypoint chown -v ${shellQuote(place)}:/d ${container.imageName} ${uid}:${gid} /d, then start it.`,
          )
        : refusal(
            `Root in ${container.name} may not change the owner of files in ${place}: the folder is on NFS with root_squash, or the engine maps user ids (userns, rootless).`,
            `Change the owner to what the container sees as ${uid}:${gid}: on the NFS server, or on this machine with the mapped ids.`,
          );
    case 'label-refused':
      return refusal(
        `Owners and modes of ${place} are right, so SELinux denies access: the label of the files does not match the container.`,
        `Look for "avc: denied" in the audit log, and recreate the container with :Z at the mount (:z if other containers use it too; neither for a system folder).`,
      );
  }
}

/** Why the owners must not be changed automatically; undefined if they may. */
export function refusalToRepair(
  instance: Instance,
  mount: Mount,
  { seen, condition, folder }: Observed,
): Refusal | undefined {
  const { container } = instance;
  if (mount.type !== 'bind' && mount.type !== 'volume')
    return refusal(
      `The data of ${container.name} is in a mount of the type ${mount.type}.`,
      `Check owner and mode yourself: docker inspect ${container.name} shows where it is mounted from.`,
    );
  const odd = oddOf(instance, seen.entries, seen.owner);
  if (odd.length > 0) return refusalForOdd(mount, odd);
  if (container.autoRemove)
    return refusal(
      `${container.name} was created with --rm: when it stops, the engine removes it.`,
      'Recreate it without --rm.',
    );
  const wrong = condition?.kind === 'wrong-mode' ? condition.wrong.filter(({ path }) => path !== '.') : [];
  if (wrong.length === 0) return undefined;
  const paths = wrong.slice(0, 10).map(({ path }) => shellQuote(`./${folder === '.' ? '' : `${folder}/`}${path}`));
  return refusal(
    `${wrong.length} entries of ${placeOf(mount)} belong to the server, but their modes deny it access. Someone may have done that on purpose.`,
    `If it was not intended, run: chmod u+rwX ${paths.join(' ')}${wrong.length > paths.length ? ' and the others' : ''}, in ${placeOf(mount)}.`,
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
    `${placeOf(mount)} has entries that PostgreSQL does not create. ${shown.join('; ')}${odd.length > shown.length ? `; and ${odd.length - shown.length} more` : ''}.`,
    'Find out where they come from, and remove them. Changing their owner could affect files elsewhere.',
  );
}

/** Another running container on the same folder or volume, or a part of it. */
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
        `${other.name} is also running on ${placeOf(mount)}.`,
        `Find out what ${other.name} is used for, then run: docker stop ${other.name}`,
      );
}

export function placeOf({ name, source }: Mount): string {
  return name || source;
}
