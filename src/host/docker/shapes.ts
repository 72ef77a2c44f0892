import { posix } from 'node:path';
import {
  at,
  entriesAt,
  flagAt,
  isList,
  type Json,
  listAt,
  numberAt,
  textAt,
  textMapAt,
  textsAt,
} from '../../util/json.ts';
import type { Container, Endpoint, Image, Mount, Network, PortBinding, Volume } from './types.ts';

/** On every short-lived container of our own. */
export const helperLabel = 'problems.helper';

/** On whatever a run makes: its id. */
export const runLabel = 'problems.run';

/** Marks a pooler that stands in front of an instance; its value is the instance's name. Itself it is no instance. */
export const poolerLabel = 'problems.pooler';

/** Docker's answers, made into our plain data. */

export function containerOf(inspect: Json): Container {
  const state = at(inspect, 'State');
  const host = at(inspect, 'HostConfig');
  const config = at(inspect, 'Config');
  const labels = textMapAt(config, 'Labels');
  const restarts = numberAt(inspect, 'RestartCount');
  return {
    id: textAt(inspect, 'Id'),
    name: textAt(inspect, 'Name').replace(/^\//, ''),
    image: textAt(inspect, 'Image'),
    imageName: textAt(config, 'Image'),
    created: textAt(inspect, 'Created'),
    labels,
    state: {
      status: textAt(state, 'Status'),
      running: flagAt(state, 'Running'),
      exitCode: numberAt(state, 'ExitCode'),
      error: textAt(state, 'Error'),
      oomKilled: flagAt(state, 'OOMKilled'),
      startedAt: textAt(state, 'StartedAt'),
      finishedAt: textAt(state, 'FinishedAt'),
      health: textAt(state, 'Health', 'Status'),
    },
    restartPolicy: {
      name: textAt(host, 'RestartPolicy', 'Name'),
      maximumRetryCount: numberAt(host, 'RestartPolicy', 'MaximumRetryCount'),
    },
    autoRemove: flagAt(host, 'AutoRemove'),
    env: environment(textsAt(config, 'Env')),
    user: textAt(config, 'User'),
    entrypoint: textsAt(config, 'Entrypoint'),
    command: textsAt(config, 'Cmd'),
    networkMode: textAt(host, 'NetworkMode'),
    portBindings: portBindings(at(host, 'PortBindings')),
    publishedPorts: portBindings(at(inspect, 'NetworkSettings', 'Ports')),
    mounts: mounts(inspect),
    endpoints: entriesAt(inspect, 'NetworkSettings', 'Networks').map(([name, endpoint]) => endpointOf(name, endpoint)),
    memory: numberAt(host, 'Memory'),
    shmSize: numberAt(host, 'ShmSize'),
    cpus: cpuQuota(host),
    ...(restarts > 0 ? { restarts } : {}),
    ...(Object.hasOwn(labels, helperLabel) ? { helper: true } : {}),
    inspect,
  };
}

export function imageOf(inspect: Json): Image {
  return {
    id: textAt(inspect, 'Id'),
    tags: textsAt(inspect, 'RepoTags'),
    env: environment(textsAt(inspect, 'Config', 'Env')),
    user: textAt(inspect, 'Config', 'User'),
    volumes: entriesAt(inspect, 'Config', 'Volumes').map(([path]) => path),
    inspect,
  };
}

export function networkOf(inspect: Json): Network {
  return {
    id: textAt(inspect, 'Id'),
    name: textAt(inspect, 'Name'),
    driver: textAt(inspect, 'Driver'),
    internal: flagAt(inspect, 'Internal'),
    labels: textMapAt(inspect, 'Labels'),
  };
}

export function volumeOf(inspect: Json): Volume {
  return {
    name: textAt(inspect, 'Name'),
    driver: textAt(inspect, 'Driver'),
    mountpoint: textAt(inspect, 'Mountpoint'),
    labels: textMapAt(inspect, 'Labels'),
  };
}

/** `--cpus` is kept as NanoCpus, `--cpu-quota` with a period that is 100 ms where none is named. */
function cpuQuota(hostConfig: Json | undefined): number {
  const nano = numberAt(hostConfig, 'NanoCpus');
  if (nano > 0) return nano / 1e9;
  const quota = numberAt(hostConfig, 'CpuQuota');
  return quota > 0 ? quota / (numberAt(hostConfig, 'CpuPeriod') || 100_000) : 0;
}

function environment(lines: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    lines.map((line) => {
      const equals = line.indexOf('=');
      return equals === -1 ? [line, ''] : [line.slice(0, equals), line.slice(equals + 1)];
    }),
  );
}

/** `{"5432/tcp": [{"HostIp": "", "HostPort": "5434"}]}`; an exposed port without bindings is `null` there. */
function portBindings(bindings: Json | undefined): readonly PortBinding[] {
  return entriesAt(bindings).flatMap(([key, targets]) => {
    const [port = '', protocol = 'tcp'] = key.split('/');
    return (isList(targets) ? targets : []).map((target) => ({
      containerPort: Number(port),
      protocol,
      hostIp: textAt(target, 'HostIp'),
      hostPort: textAt(target, 'HostPort'),
    }));
  });
}

function mounts(inspect: Json): readonly Mount[] {
  const named = new Set([
    ...textsAt(inspect, 'HostConfig', 'Binds')
      .map(bindOf)
      .flatMap((bind) => (bind.source === '' ? [] : [bind.destination])),
    ...listAt(inspect, 'HostConfig', 'Mounts')
      .filter((mount) => textAt(mount, 'Source') !== '')
      .map((mount) => mountPath(textAt(mount, 'Target'))),
  ]);
  // The engine gives them in another order each time.
  return listAt(inspect, 'Mounts')
    .map((mount) => {
      const type = textAt(mount, 'Type');
      const destination = textAt(mount, 'Destination');
      return {
        type,
        name: textAt(mount, 'Name'),
        source: textAt(mount, 'Source'),
        destination,
        writable: flagAt(mount, 'RW'),
        anonymous: type === 'volume' && !named.has(destination),
      };
    })
    .sort((a, b) => (a.destination < b.destination ? -1 : 1));
}

/** `source:destination[:modes]`, or a destination alone: for that the engine makes a volume, and `source` is empty. */
export function bindOf(bind: string): { readonly source: string; readonly destination: string } {
  const [first = '', second] = bind.split(':');
  return second === undefined
    ? { source: '', destination: mountPath(first) }
    : { source: first, destination: mountPath(second) };
}

/** As the engine says it of a mount that is there: what somebody wrote may end in a slash. */
export function mountPath(path: string): string {
  return path === '' ? '' : posix.resolve('/', path);
}

function endpointOf(network: string, endpoint: Json): Endpoint {
  return {
    network,
    networkId: textAt(endpoint, 'NetworkID'),
    aliases: textsAt(endpoint, 'Aliases'),
    ipv4: textAt(endpoint, 'IPAddress'),
    ipv6: textAt(endpoint, 'GlobalIPv6Address'),
    staticIpv4: textAt(endpoint, 'IPAMConfig', 'IPv4Address'),
    staticIpv6: textAt(endpoint, 'IPAMConfig', 'IPv6Address'),
  };
}
