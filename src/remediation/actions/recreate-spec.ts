import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import { bindOf, mountPath } from '../../host/docker/shapes.ts';
import type { Container, ContainerSpec, Mount } from '../../host/docker/types.ts';
import {
  get,
  getEntries,
  isObject,
  type Json,
  type JsonObject,
  getArray,
  getString,
  getStrings,
} from '../../util/json.ts';

/** By destination: another volume or folder on the same place. */
export type MountEdits = Readonly<Record<string, { readonly source: string; readonly writable: boolean }>>;

/**
 * `Binds`, `Mounts` and `VolumesFrom` by which a new container has the very mounts of the old one. What the engine had
 * made a volume for (`-v /data`, the image's VOLUME, `--mount type=volume` without a source) is bound by that volume's
 * name, else the new container would start on an empty one (docs/engineering/docker-engine.md#anonymous-volumes). What
 * came by `--volumes-from` is bound by itself: the container of that name may be gone by now, or another one.
 * @throws ProblemsError `step-refused`: a mount is of a kind that cannot be told to the engine again.
 */
export function mountsFrom(old: Container, edits: MountEdits): JsonObject {
  const binds = getStrings(old.inspect, 'HostConfig', 'Binds').filter((bind) => {
    const { source, destination } = bindOf(bind);
    return source !== '' && edits[destination] === undefined;
  });
  const mounts = getArray(old.inspect, 'HostConfig', 'Mounts')
    .filter((mount) => edits[mountPath(getString(mount, 'Target'))] === undefined)
    .map((mount) => withSource(mount, old));
  const told = new Set([
    ...Object.keys(edits),
    ...binds.map((bind) => bindOf(bind).destination),
    ...mounts.map((mount) => mountPath(getString(mount, 'Target'))),
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
    ...(getArray(old.inspect, 'HostConfig', 'VolumesFrom').length === 0 ? {} : { VolumesFrom: [] }),
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
  if (!isObject(mount) || getString(mount, 'Type') !== 'volume' || getString(mount, 'Source') !== '') return mount;
  const destination = mountPath(getString(mount, 'Target'));
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
  const raw = getArray(old.inspect, 'Mounts').find((mount) => getString(mount, 'Destination') === destination);
  const propagation = getString(raw, 'Propagation');
  return {
    Type: 'bind',
    Source: source,
    Target: destination,
    ReadOnly: !writable,
    ...(propagation === '' ? {} : { BindOptions: { Propagation: propagation } }),
  };
}

/** What a new container has otherwise than the old one. Everything that is not named stays as it is. */
export const edits = z.strictObject({
  /** In place of all bindings of these container ports: `5432/tcp`. */
  ports: z
    .record(
      z.string().regex(/^\d{1,5}\/(tcp|udp|sctp)$/),
      z.array(z.strictObject({ hostIp: z.string(), hostPort: z.string().regex(/^\d{1,5}$/) })),
    )
    .exactOptional(),
  command: z.array(z.string()).exactOptional(),
  /** By variable, by position in its value, in order and apart. Only the characters that change: no secret is in a plan. */
  env: z
    .record(
      z.string(),
      z.array(z.strictObject({ at: z.int().nonnegative(), before: z.string(), after: z.string() })).min(1),
    )
    .exactOptional(),
  shmSize: z.int().positive().exactOptional(),
  memory: z.int().nonnegative().exactOptional(),
  /** By destination: another volume or folder on the same place. */
  mounts: z.record(z.string(), z.strictObject({ source: z.string(), writable: z.boolean() })).exactOptional(),
});

export type Edits = z.output<typeof edits>;

/** Which container this one was made from: what tells a killed recreate where it was. */
export const recreatedFromLabel = 'problems.recreated-from';

/**
 * The old container's whole Config and HostConfig with the edits: the image by id, every volume by name, and the first
 * network; the others are connected before start.
 * @throws ProblemsError `step-refused`: a mount cannot be given to a new container, or a variable has changed since.
 */
export function specFrom(
  old: Container,
  name: string,
  changes: Edits,
  labels: Readonly<Record<string, string>>,
): ContainerSpec {
  const config = objectAt(old.inspect, 'Config');
  const host = objectAt(old.inspect, 'HostConfig');
  const [first] = networksOf(old);
  return {
    name,
    config: {
      ...without(config, getString(config, 'Hostname') === old.id.slice(0, 12) ? ['Hostname'] : []),
      Image: old.image,
      Labels: { ...objectAt(config, 'Labels'), ...labels, [recreatedFromLabel]: old.id },
      ...(changes.command === undefined ? {} : { Cmd: changes.command }),
      ...(changes.env === undefined ? {} : { Env: editedEnv(getStrings(config, 'Env'), changes.env) }),
      ...(changes.ports === undefined
        ? {}
        : { ExposedPorts: { ...objectAt(config, 'ExposedPorts'), ...exposed(changes.ports) } }),
      HostConfig: {
        ...host,
        ...mountsFrom(old, changes.mounts ?? {}),
        ...(changes.ports === undefined
          ? {}
          : { PortBindings: { ...objectAt(host, 'PortBindings'), ...bindings(changes.ports) } }),
        ...(changes.shmSize === undefined ? {} : { ShmSize: changes.shmSize }),
        ...(changes.memory === undefined ? {} : { Memory: changes.memory }),
      },
      ...(first === undefined ? {} : { NetworkingConfig: { EndpointsConfig: { [first.name]: first.config } } }),
    },
  };
}

export interface NetworkEndpoint {
  readonly name: string;
  readonly config: JsonObject;
  readonly aliases: readonly string[];
}

/** The network of the network mode first: the engine takes one at create. Generated aliases are left out. */
export function networksOf(old: Container): readonly NetworkEndpoint[] {
  if (/^(host|none|container:)/.test(old.networkMode)) return [];
  const networks = getEntries(old.inspect, 'NetworkSettings', 'Networks').map(([name, endpoint]) => {
    const aliases = getStrings(endpoint, 'Aliases').filter((alias) => alias !== old.id.slice(0, 12));
    const kept: [string, Json][] = [['Aliases', [...aliases]]];
    for (const key of ['IPAMConfig', 'Links', 'DriverOpts']) {
      const value = get(endpoint, key);
      if (value !== undefined && value !== null) kept.push([key, value]);
    }
    return { name, aliases, config: Object.fromEntries(kept) };
  });
  const main = old.networkMode === 'default' ? 'bridge' : old.networkMode;
  return networks.sort((a, b) => Number(b.name === main) - Number(a.name === main));
}

/** @throws ProblemsError `step-refused`: a variable is not what it was when the plan was made. */
function editedEnv(lines: readonly string[], changes: NonNullable<Edits['env']>): readonly string[] {
  return lines.map((line) => {
    const name = line.slice(0, line.indexOf('='));
    let value = line.slice(name.length + 1);
    for (const { at: position, before, after } of (changes[name] ?? []).toReversed()) {
      if (value.slice(position, position + before.length) !== before)
        throw new ProblemsError('step-refused', `The variable ${name} is not what it was when the plan was made.`);
      value = value.slice(0, position) + after + value.slice(position + before.length);
    }
    return `${name}=${value}`;
  });
}

function bindings(ports: NonNullable<Edits['ports']>): JsonObject {
  return Object.fromEntries(
    Object.entries(ports).map(([port, hosts]) => [
      port,
      hosts.map(({ hostIp, hostPort }) => ({ HostIp: hostIp, HostPort: hostPort })),
    ]),
  );
}

function exposed(ports: NonNullable<Edits['ports']>): JsonObject {
  return Object.fromEntries(Object.keys(ports).map((port) => [port, {}]));
}

function objectAt(value: Json, ...path: readonly string[]): JsonObject {
  const found = get(value, ...path);
  return isObject(found) ? found : {};
}

function without(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}
