import type { Container } from '../../host/docker/types.ts';
import { compareBy } from '../../util/compare.ts';
import type { Json } from '../../util/json.ts';

/** What a new container is meant to have otherwise. */
export interface MeantDifferences {
  /** Of `HostConfig.PortBindings`: `5432/tcp`. */
  readonly ports?: readonly string[];
  /** Paths such as `HostConfig.ShmSize`, `Config.Cmd`. */
  readonly fields?: readonly string[];
}

/**
 * Where a recreated container differs from the one it was made from, beyond what was meant. Whole `Config` and
 * `HostConfig`, networks, aliases and static addresses; paths such as `HostConfig.Memory`, sorted.
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

/** Without what a new container has of its own: a host name from its id, the image by id, the labels of the run. */
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

/** Without the restart policy, which the old one has lost by now, and with mounts apart: they may be written otherwise. */
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

/** Absent, null and empty are the same to the engine, and keys come in any order. */
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
