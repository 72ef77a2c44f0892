import { ProblemsError } from '../../errors.ts';
import { bindOf, mountPath } from '../../host/docker/shapes.ts';
import type { Container, Mount } from '../../host/docker/types.ts';
import { isObject, type Json, type JsonObject, listAt, textAt, textsAt } from '../../util/json.ts';

/** By destination: another volume or folder on the same place. */
export type MountEdits = Readonly<Record<string, { readonly source: string; readonly writable: boolean }>>;

/**
 * `Binds`, `Mounts` and `VolumesFrom` by which a new container has the very mounts of the old one. What the engine had
 * made a volume for (`-v /data`, the image's VOLUME, `--mount type=volume` without a source) is bound by that volume's
 * name, else the new container would start on an empty one (PGOPS §0.3). What came by `--volumes-from` is bound by itself:
 * the container of that name may be gone by now, or another one.
 * @throws ProblemsError `step-refused`: a mount is of a kind that cannot be told to the engine again.
 */
export function mountsFrom(old: Container, edits: MountEdits): JsonObject {
  const binds = textsAt(old.inspect, 'HostConfig', 'Binds').filter((bind) => {
    const { source, destination } = bindOf(bind);
    return source !== '' && edits[destination] === undefined;
  });
  const mounts = listAt(old.inspect, 'HostConfig', 'Mounts')
    .filter((mount) => edits[mountPath(textAt(mount, 'Target'))] === undefined)
    .map((mount) => withSource(mount, old));
  const told = new Set([
    ...Object.keys(edits),
    ...binds.map((bind) => bindOf(bind).destination),
    ...mounts.map((mount) => mountPath(textAt(mount, 'Target'))),
  ]);
  const untold = old.mounts.filter(({ destination }) => !told.has(destination));
  return {
    Binds: [
      ...binds,
      ...untold.filter(({ type }) => type === 'volume').map(volumeBind),
      ...Object.entries(edits).map(
        ([destination, { source, writable }]) => `${source}:${destination}${writable ? '' : ':ro'}`,
      ),
    ],
    Mounts: [...mounts, ...untold.filter(({ type }) => type !== 'volume').map((mount) => folderMount(mount, old))],
    ...(listAt(old.inspect, 'HostConfig', 'VolumesFrom').length === 0 ? {} : { VolumesFrom: [] }),
  };
}

/** Where a new container has other data than the old one, a sentence each; empty when it has the same everywhere. */
export function otherMounts(old: Container, made: Container, edits: MountEdits): readonly string[] {
  const wanted = new Map(old.mounts.map((mount) => [mount.destination, placeOf(mount)]));
  for (const [destination, { source, writable }] of Object.entries(edits))
    wanted.set(destination, `${source}${writable ? '' : ' (read-only)'}`);
  const found = new Map(made.mounts.map((mount) => [mount.destination, placeOf(mount)]));
  return [...new Set([...wanted.keys(), ...found.keys()])].sort().flatMap((destination) => {
    const [is, was] = [found.get(destination) ?? 'nothing', wanted.get(destination) ?? 'nothing'];
    return is === was ? [] : [`${made.name} has ${is} at ${destination}, and ${old.name} has ${was} there.`];
  });
}

function placeOf({ type, name, source, writable }: Mount): string {
  const place = type === 'volume' ? name : type === 'bind' ? source : type;
  return `${place}${writable ? '' : ' (read-only)'}`;
}

/** One that names no volume has its options, and from now on the volume that the engine made by them. */
function withSource(mount: Json, old: Container): Json {
  if (!isObject(mount) || textAt(mount, 'Type') !== 'volume' || textAt(mount, 'Source') !== '') return mount;
  const destination = mountPath(textAt(mount, 'Target'));
  const volume = old.mounts.find((one) => one.type === 'volume' && one.destination === destination);
  if (volume === undefined || volume.name === '')
    throw new ProblemsError('step-refused', `The volume of ${old.name} at ${destination} has no name.`);
  return { ...mount, Source: volume.name };
}

/** `nocopy`: the image's files were copied into it when it was made, and who has deleted them since wants none again. */
function volumeBind({ name, destination, writable }: Mount): string {
  if (name === '') throw new ProblemsError('step-refused', `The volume at ${destination} has no name.`);
  return `${name}:${destination}:${writable ? '' : 'ro,'}nocopy`;
}

/** In the long form, which refuses a folder that is gone where the short one makes an empty one. */
function folderMount({ type, source, destination, writable }: Mount, old: Container): JsonObject {
  if (type !== 'bind')
    throw new ProblemsError(
      'step-refused',
      `${old.name} has a mount of the type ${type} at ${destination} that no new container can be given.`,
    );
  const raw = listAt(old.inspect, 'Mounts').find((mount) => textAt(mount, 'Destination') === destination);
  const propagation = textAt(raw, 'Propagation');
  return {
    Type: 'bind',
    Source: source,
    Target: destination,
    ReadOnly: !writable,
    ...(propagation === '' ? {} : { BindOptions: { Propagation: propagation } }),
  };
}
