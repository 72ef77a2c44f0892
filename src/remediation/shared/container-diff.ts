import type { Container } from '../../host/docker/types.ts';
import { compareBy } from '../../util/compare.ts';
import type { Json } from '../../util/json.ts';

/** The intended differences of a new container. */
export interface MeantDifferences {
  /** Keys of `HostConfig.PortBindings`: `5432/tcp`. */
  readonly ports?: readonly string[];
  /** Paths such as `HostConfig.ShmSize`, `Config.Cmd`. */
  readonly fields?: readonly string[];
}

/**
 * Unintended differences between a recreated container and the original: in `Config`, `HostConfig`, networks, aliases and
 * static addresses. Returns paths such as `HostConfig.Memory`, sorted.
 */
export function unexpectedDifferences(
  old: Container,
  made: Container,
  { ports = [], fields = [] }: MeantDifferences,
): readonly string[] {
  return [
    ...differingKeys('Config', configOf(old), configOf(made)),
    ...differingKeys('HostConfig', hostConfigOf(old, ports), hostConfigOf(made, ports)),
    ...differingKeys('Mounts', mountsOf(old), mountsOf(made)),
    ...differingKeys('Networks', networksOf(old), networksOf(made)),
  ]
    .filter((path) => !fields.includes(path))
    .sort();
}

type Keyed = Readonly<Record<string, Json>>;

/** Without what is always new: the host name derived from the id, the image by id, the labels of the run. */
function configOf({ id, image, inspect }: Container): Keyed {
  const config = objectAt(inspect, 'Config');
  const labels = Object.entries(objectAt(config, 'Labels')).filter(
    ([label]) => !/^problems\.(run|token|recreated-from)$/.test(label),
  );
  return {
    ...config,
    Hostname: config['Hostname'] === id.slice(0, 12) ? '' : (config['Hostname'] ?? ''),
    Image: image,
    Labels: Object.fromEntries(labels),
  };
}

/** Without the restart policy, which the old container has lost, and without mounts, which have several notations. */
function hostConfigOf({ inspect }: Container, movedPorts: readonly string[]): Keyed {
  const {
    RestartPolicy: _policy,
    Binds: _binds,
    Mounts: _mounts,
    VolumesFrom: _volumesFrom,
    PortBindings,
    ...rest
  } = objectAt(inspect, 'HostConfig');
  const bindings = Object.entries(objectAt(PortBindings)).filter(([port]) => !movedPorts.includes(port));
  return { ...rest, PortBindings: Object.fromEntries(bindings) };
}

function mountsOf({ mounts }: Container): Keyed {
  return Object.fromEntries(
    mounts.map(({ type, name, source, destination, writable }) => [destination, { type, name, source, writable }]),
  );
}

function networksOf({ id, endpoints }: Container): Keyed {
  return Object.fromEntries(
    endpoints.map(({ network, aliases, staticIpv4, staticIpv6 }) => {
      const own = aliases.filter((alias) => alias !== id.slice(0, 12)).sort();
      return [network, { aliases: own, staticIpv4, staticIpv6 }];
    }),
  );
}

function differingKeys(prefix: string, a: Keyed, b: Keyed): readonly string[] {
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return keys.filter((key) => canonical(a[key]) !== canonical(b[key])).map((key) => `${prefix}.${key}`);
}

/** The engine treats absent, null and empty alike, and returns keys in any order. */
function canonical(value: Json | undefined): string {
  if (value === undefined || value === null || value === '' || isEmpty(value)) return 'nothing';
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).sort(compareBy(([key]) => key));
  return `{${entries.map(([key, one]) => `${key}:${canonical(one)}`).join(',')}}`;
}

function isEmpty(value: Json): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function objectAt(value: Json | undefined, key?: string): Keyed {
  const whole: Keyed = isKeyed(value) ? value : {};
  return key === undefined ? whole : objectAt(whole[key]);
}

function isKeyed(value: Json | undefined): value is Keyed {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
