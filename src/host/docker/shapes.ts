import { posix } from 'node:path';
import {
  get,
  getEntries,
  getBoolean,
  isList,
  type Json,
  getArray,
  getNumber,
  getString,
  getStringMap,
  getStrings,
} from '../../util/json.ts';
import { compareBy } from '../../util/compare.ts';
import type { Container, Endpoint, Image, ListedContainer, Mount, Network, PortBinding, Volume } from './types.ts';

/** Marks the short-lived containers of this tool. */
export const helperLabel = 'problems.helper';

/** Marks all that a run creates; its value is the run's id. */
export const runLabel = 'problems.run';

/** Marks a pooler in front of an instance; its value is the instance's name. The pooler is not an instance itself. */
export const poolerLabel = 'problems.pooler';

/** Turns the engine's answers into plain data. */

export function containerOf(inspect: Json): Container {
  const state = get(inspect, 'State');
  const host = get(inspect, 'HostConfig');
  const config = get(inspect, 'Config');
  const labels = getStringMap(config, 'Labels');
  const restarts = getNumber(inspect, 'RestartCount');
  return {
    id: getString(inspect, 'Id'),
    name: getString(inspect, 'Name').replace(/^\//, ''),
    image: getString(inspect, 'Image'),
    imageName: getString(config, 'Image'),
    created: getString(inspect, 'Created'),
    labels,
    state: {
      status: getString(state, 'Status'),
      running: getBoolean(state, 'Running'),
      exitCode: getNumber(state, 'ExitCode'),
      error: getString(state, 'Error'),
      oomKilled: getBoolean(state, 'OOMKilled'),
      startedAt: getString(state, 'StartedAt'),
      finishedAt: getString(state, 'FinishedAt'),
      health: getString(state, 'Health', 'Status'),
    },
    restartPolicy: {
      name: getString(host, 'RestartPolicy', 'Name'),
      maximumRetryCount: getNumber(host, 'RestartPolicy', 'MaximumRetryCount'),
    },
    autoRemove: getBoolean(host, 'AutoRemove'),
    env: environment(getStrings(config, 'Env')),
    user: getString(config, 'User'),
    entrypoint: getStrings(config, 'Entrypoint'),
    command: getStrings(config, 'Cmd'),
    networkMode: getString(host, 'NetworkMode'),
    portBindings: portBindings(get(host, 'PortBindings')),
    publishedPorts: portBindings(get(inspect, 'NetworkSettings', 'Ports')),
    mounts: mounts(inspect),
    endpoints: getEntries(inspect, 'NetworkSettings', 'Networks').map(([name, endpoint]) => endpointOf(name, endpoint)),
    memory: getNumber(host, 'Memory'),
    shmSize: getNumber(host, 'ShmSize'),
    cpus: cpuQuota(host),
    ...(restarts > 0 ? { restarts } : {}),
    ...(Object.hasOwn(labels, helperLabel) ? { helper: true } : {}),
    inspect,
  };
}

/** Links add names with another slash: `/client/orders`. */
export function listedContainer(item: Json): ListedContainer {
  const name = getStrings(item, 'Names').find((one) => one.lastIndexOf('/') === 0) ?? '';
  return { id: getString(item, 'Id'), name: name.replace(/^\//, ''), labels: getStringMap(item, 'Labels') };
}

export function imageOf(inspect: Json): Image {
  return {
    id: getString(inspect, 'Id'),
    tags: getStrings(inspect, 'RepoTags'),
    labels: getStringMap(inspect, 'Config', 'Labels'),
    env: environment(getStrings(inspect, 'Config', 'Env')),
    user: getString(inspect, 'Config', 'User'),
    volumes: getEntries(inspect, 'Config', 'Volumes').map(([path]) => path),
    inspect,
  };
}

export function networkOf(inspect: Json): Network {
  return {
    id: getString(inspect, 'Id'),
    name: getString(inspect, 'Name'),
    driver: getString(inspect, 'Driver'),
    internal: getBoolean(inspect, 'Internal'),
    labels: getStringMap(inspect, 'Labels'),
  };
}

export function volumeOf(inspect: Json): Volume {
  return {
    name: getString(inspect, 'Name'),
    driver: getString(inspect, 'Driver'),
    mountpoint: getString(inspect, 'Mountpoint'),
    labels: getStringMap(inspect, 'Labels'),
  };
}

/** `--cpus` is stored as NanoCpus; `--cpu-quota` applies to a period of 100 ms unless one is given. */
function cpuQuota(hostConfig: Json | undefined): number {
  const nano = getNumber(hostConfig, 'NanoCpus');
  if (nano > 0) return nano / 1e9;
  const quota = getNumber(hostConfig, 'CpuQuota');
  return quota > 0 ? quota / (getNumber(hostConfig, 'CpuPeriod') || 100_000) : 0;
}

function environment(lines: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    lines.map((line) => {
      const equals = line.indexOf('=');
      return equals === -1 ? [line, ''] : [line.slice(0, equals), line.slice(equals + 1)];
    }),
  );
}

/** `{"5432/tcp": [{"HostIp": "", "HostPort": "5434"}]}`; an exposed port without bindings has `null`. */
function portBindings(bindings: Json | undefined): readonly PortBinding[] {
  return getEntries(bindings).flatMap(([key, targets]) => {
    const [port = '', protocol = 'tcp'] = key.split('/');
    return (isList(targets) ? targets : []).map((target) => ({
      containerPort: Number(port),
      protocol,
      hostIp: getString(target, 'HostIp'),
      hostPort: getString(target, 'HostPort'),
    }));
  });
}

function mounts(inspect: Json): readonly Mount[] {
  const named = new Set([
    ...getStrings(inspect, 'HostConfig', 'Binds')
      .map(bindOf)
      .flatMap((bind) => (bind.source === '' ? [] : [bind.destination])),
    ...getArray(inspect, 'HostConfig', 'Mounts')
      .filter((mount) => getString(mount, 'Source') !== '')
      .map((mount) => mountPath(getString(mount, 'Target'))),
  ]);
  // The engine gives them in another order each time.
  return getArray(inspect, 'Mounts')
    .map((mount) => {
      const type = getString(mount, 'Type');
      const destination = getString(mount, 'Destination');
      return {
        type,
        name: getString(mount, 'Name'),
        source: getString(mount, 'Source'),
        destination,
        writable: getBoolean(mount, 'RW'),
        anonymous: type === 'volume' && !named.has(destination),
      };
    })
    .sort(compareBy(({ destination }) => destination));
}

/** Parses `source:destination[:modes]`, or a destination alone, for which the engine creates a volume; `source` is then empty. */
export function bindOf(bind: string): { readonly source: string; readonly destination: string } {
  const [first = '', second] = bind.split(':');
  return second === undefined
    ? { source: '', destination: mountPath(first) }
    : { source: first, destination: mountPath(second) };
}

/** A path in the form that the engine uses for mounts: without a slash at the end. */
export function mountPath(path: string): string {
  return path === '' ? '' : posix.resolve('/', path);
}

function endpointOf(network: string, endpoint: Json): Endpoint {
  return {
    network,
    networkId: getString(endpoint, 'NetworkID'),
    aliases: getStrings(endpoint, 'Aliases'),
    ipv4: getString(endpoint, 'IPAddress'),
    ipv6: getString(endpoint, 'GlobalIPv6Address'),
    staticIpv4: getString(endpoint, 'IPAMConfig', 'IPv4Address'),
    staticIpv6: getString(endpoint, 'IPAMConfig', 'IPv6Address'),
  };
}
