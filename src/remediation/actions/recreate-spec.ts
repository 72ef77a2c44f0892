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

/** By destination: another volume or folder at the same path. */
export type MountEdits = Readonly<Record<string, { readonly source: string; readonly writable: boolean }>>;

/**
 * `Binds`, `Mounts` and `VolumesFrom` that give a new container the same mounts as the old one. Anonymous volumes (`-v
 * /data`, the image's VOLUME, `--mount type=volume` without a source) are bound by name, or the new container would start
 * on an empty volume (docs/engineering/docker-engine.md#anonymous-volumes). Mounts of `--volumes-from` are bound
 * directly, since that container may have been removed or replaced.
 * @throws ProblemsError `step-refused`: a mount of a type that cannot be recreated.
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

/** Where a new container has other data than the old one, one sentence each; empty if all mounts are the same. */
export function otherMounts(old: Container, made: Container, edits: MountEdits): readonly string[] {
  const wanted = new Map(old.mounts.map((mount) => [mount.destination, placeOf(mount)]));
  for (const [destination, { source, writable }] of Object.entries(edits))
    wanted.set(destination, `${source}${writable ? '' : ' (read-only)'}`);
  const found = new Map(made.mounts.map((mount) => [mount.destination, placeOf(mount)]));
  return [...new Set([...wanted.keys(), ...found.keys()])].sort().flatMap((destination) => {
    const [is, was] = [found.get(destination) ?? 'nothing', wanted.get(destination) ?? 'nothing'];
    return is === was ? [] : [`${made.name} has ${is} at ${destination}, but ${old.name} has ${was}.`];
  });
}

function placeOf({ type, name, source, writable }: Mount): string {
  const place = type === 'volume' ? name : type === 'bind' ? source : type;
  return `${place}${writable ? '' : ' (read-only)'}`;
}

/** A mount without a source gets the name of the volume that the engine created for it. */
function withSource(mount: Json, old: Container): Json {
  if (!isObject(mount) || getString(mount, 'Type') !== 'volume' || getString(mount, 'Source') !== '') return mount;
  const destination = mountPath(getString(mount, 'Target'));
  const volume = old.mounts.find((one) => one.type === 'volume' && one.destination === destination);
  if (volume === undefined || volume.name === '')
    throw new ProblemsError('step-refused', `The volume of ${old.name} at ${destination} has no name.`);
  return { ...mount, Source: volume.name };
}

/** `nocopy`: the engine copied the image's files when it created the volume; files deleted since must stay deleted. */
function volumeBind({ name, destination, writable }: Mount): string {
  if (name === '') throw new ProblemsError('step-refused', `The volume at ${destination} has no name.`);
  return `${name}:${destination}:${writable ? '' : 'ro,'}nocopy`;
}

/** In the long form, which refuses a missing folder; the short form would create an empty one. */
function folderMount({ type, source, destination, writable }: Mount, old: Container): JsonObject {
  if (type !== 'bind')
    throw new ProblemsError(
      'step-refused',
      `${old.name} has a mount of the type ${type} at ${destination}, which cannot be recreated.`,
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

/** What to change in a new container. Everything else is as in the old one. */
export const edits = z.strictObject({
  /** Replaces all bindings of these container ports: `5432/tcp`. */
  ports: z
    .record(
      z.string().regex(/^\d{1,5}\/(tcp|udp|sctp)$/),
      z.array(z.strictObject({ hostIp: z.string(), hostPort: z.string().regex(/^\d{1,5}$/) })),
    )
    .exactOptional(),
  command: z.array(z.string()).exactOptional(),
  /** By variable and position in its value, in order, without overlaps. Only the changed characters, without secrets. */
  env: z
    .record(
      z.string(),
      z.array(z.strictObject({ at: z.int().nonnegative(), before: z.string(), after: z.string() })).min(1),
    )
    .exactOptional(),
  shmSize: z.int().positive().exactOptional(),
  memory: z.int().nonnegative().exactOptional(),
  /** By destination: another volume or folder at the same path. */
  mounts: z.record(z.string(), z.strictObject({ source: z.string(), writable: z.boolean() })).exactOptional(),
});

export type Edits = z.output<typeof edits>;

/** Label with the id of the original container, for resuming a killed recreate. */
export const recreatedFromLabel = 'problems.recreated-from';

/**
 * The old container's Config and HostConfig with the edits: the image by id, every volume by name, and the first network;
 * the others are connected before the start.
 * @throws ProblemsError `step-refused`: a mount cannot be recreated, or a variable has changed since.
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

/** The network of the network mode first, since the engine accepts only one at create. Skips generated aliases. */
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

/** @throws ProblemsError `step-refused`: a variable has changed since the plan was made. */
function editedEnv(lines: readonly string[], changes: NonNullable<Edits['env']>): readonly string[] {
  return lines.map((line) => {
    const name = line.slice(0, line.indexOf('='));
    let value = line.slice(name.length + 1);
    for (const { at: position, before, after } of (changes[name] ?? []).toReversed()) {
      if (value.slice(position, position + before.length) !== before)
        throw new ProblemsError('step-refused', `The variable ${name} has changed since the plan was made.`);
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
