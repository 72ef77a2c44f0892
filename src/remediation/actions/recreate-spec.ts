import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Container, ContainerSpec } from '../../host/docker/types.ts';
import { at, entriesAt, isObject, type Json, type JsonObject, textAt, textsAt } from '../../util/json.ts';
import { mountsFrom } from './recreate-mounts.ts';

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
      ...without(config, textAt(config, 'Hostname') === old.id.slice(0, 12) ? ['Hostname'] : []),
      Image: old.image,
      Labels: { ...objectAt(config, 'Labels'), ...labels, [recreatedFromLabel]: old.id },
      ...(changes.command === undefined ? {} : { Cmd: changes.command }),
      ...(changes.env === undefined ? {} : { Env: editedEnv(textsAt(config, 'Env'), changes.env) }),
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
  const networks = entriesAt(old.inspect, 'NetworkSettings', 'Networks').map(([name, endpoint]) => {
    const aliases = textsAt(endpoint, 'Aliases').filter((alias) => alias !== old.id.slice(0, 12));
    const kept: [string, Json][] = [['Aliases', [...aliases]]];
    for (const key of ['IPAMConfig', 'Links', 'DriverOpts']) {
      const value = at(endpoint, key);
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
  const found = at(value, ...path);
  return isObject(found) ? found : {};
}

function without(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}
