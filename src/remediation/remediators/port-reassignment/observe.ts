import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { compareText } from '../../../util/compare.ts';
import type { Container, PortBinding } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import type { PortLease, ReadonlyHost, Step } from '../../contract.ts';
import { declaredPort, findPort, type PortEdit, portFileKind, withEdits } from './port-files.ts';
import {
  addressesOverlap,
  isWithin,
  parsePorts,
  type PortRange,
  type PortSettings,
  portsOf,
  reservedFor,
} from './types.ts';

/** A declared or bound port binding of a container. */
export interface Claim {
  readonly container: Container;
  readonly hostIp: string;
  readonly protocol: string;
  readonly ports: PortRange;
  /** True if it holds the ports now. A stopped container claims what it needs at its next start. */
  readonly bound: boolean;
}

/**
 * What a container binds and what it declares. For a stopped container only the declaration counts, since its
 * `NetworkSettings.Ports` are empty (docs/engineering/ports.md#free-ports). A running one may declare a range and holds one
 * port of it.
 */
export function claimsOf(container: Container): readonly Claim[] {
  const bound = container.publishedPorts.flatMap((binding) => claim(container, binding, true));
  const declared = container.portBindings
    .flatMap((binding) => claim(container, binding, false))
    .filter(
      ({ ports, protocol }) => !bound.some((one) => one.protocol === protocol && isWithin(one.ports.first, ports)),
    );
  return [...bound, ...declared];
}

/** Whether both cannot be published at the same time. */
export function collides(claimed: Claim, binding: PortBinding, port: number): boolean {
  return (
    claimed.protocol === binding.protocol &&
    isWithin(port, claimed.ports) &&
    addressesOverlap(claimed.hostIp, binding.hostIp)
  );
}

/**
 * Whether `other` keeps a port that both declare and neither holds: the younger one moves, unless a lease decides. A
 * running container never moves and is not considered here. See docs/engineering/ports.md#who-moves.
 */
export function hasBetterRight(other: Container, mine: Container, leaseIsMine: boolean): boolean {
  if (leaseIsMine) return false;
  if (other.created !== mine.created) return other.created < mine.created;
  return other.id < mine.id;
}

/**
 * A container kept after a recreate, which does not start again and so claims nothing. Its port is still handed out last,
 * since a rollback would need it.
 */
export function isAside(container: Container): boolean {
  return container.name.includes('.pgops-old-') || Object.hasOwn(container.labels, 'problems.aside');
}

function claim(container: Container, { hostIp, hostPort, protocol }: PortBinding, bound: boolean): readonly Claim[] {
  const ports = parsePorts(hostPort);
  return ports === undefined ? [] : [{ container, hostIp, protocol, ports, bound }];
}

/** By file, so that a file which the repair changes anyway is changed once. */
export interface Dependants {
  readonly steps: readonly { readonly path: string; readonly edits: readonly PortEdit[]; readonly step: Step }[];
  /** What you have to check, one sentence each. */
  readonly notes: readonly { readonly path: string; readonly text: string }[];
}

/**
 * Files on the host that contain the instance's port. Containers on its network use the server's own port and need no
 * change. Edits only what is certainly about this instance: another one may have had the same port.
 */
export async function dependantsOf(
  instance: Instance,
  from: number,
  to: number,
  host: ReadonlyHost,
  settings: PortSettings,
): Promise<Dependants> {
  const steps: Dependants['steps'][number][] = [];
  const notes: Dependants['notes'][number][] = [];
  for (const path of await candidatePaths(instance, host, settings)) {
    const kind = portFileKind(path);
    if (kind === undefined) {
      notes.push({ path, text: `${path} is not a supported file type and is left unchanged.` });
      continue;
    }
    const file = await host.files.read(path).catch(() => undefined);
    if (file === undefined) continue;
    const { edits, unclear } = findPort(kind, file.text, from, to, {
      instance: instance.name,
      user: instance.user,
      database: instance.database,
      password: instance.container.env['POSTGRES_PASSWORD'] || undefined,
      own: instance.folder !== undefined && path.startsWith(`${instance.folder}/`),
    });
    if (unclear.length > 0) {
      const lines = `line${unclear.length === 1 ? '' : 's'} ${unclear.join(', ')}`;
      const text =
        kind === 'compose'
          ? `${path} publishes port ${from} in ${lines} and is left unchanged; change it yourself if it is about ${instance.name}.`
          : `${path} contains port ${from} in ${lines}, for this instance or another, and is left unchanged.`;
      notes.push({ path, text });
    }
    if (edits.length === 0) continue;
    const params = { path, from: hash('sha256', file.text), to: hash('sha256', withEdits(file.text, edits)), edits };
    const why = `Clients on this machine connect to ${instance.name} by its port.`;
    steps.push({ path, edits, step: { action: 'file.replace', params, why } });
  }
  return { steps, notes };
}

/** Files in the instance's folder and in each root, and those in the config. Sorted, without duplicates. */
async function candidatePaths(
  { folder }: Instance,
  host: ReadonlyHost,
  { files }: PortSettings,
): Promise<readonly string[]> {
  const [project] = host.files.roots;
  const paths = new Set<string>(
    project === undefined ? [] : files.map((path) => (isAbsolute(path) ? path : join(project, path))),
  );
  const folders =
    folder === undefined
      ? host.files.roots
      : [...host.files.roots, folder, join(folder, 'config'), dirname(dirname(folder))];
  for (const parent of folders) {
    for (const name of await host.files.list(parent).catch(() => [])) {
      const path = join(parent, name);
      if (portFileKind(path) !== undefined) paths.add(path);
    }
  }
  return [...paths].sort(compareText);
}

/** Why a port is not free. */
export interface PortHolder {
  readonly type: 'container' | 'lease' | 'declaration' | 'reservation' | 'ephemeral';
  /** The container's name, the instance, the file, or the owner in the config. */
  readonly name: string;
  /** `running`, `stopped`, `kept aside`, `reserved until …`, `bound`. */
  readonly state: string;
  /** The instance that the port is for; null if it is not for an instance. */
  readonly instance: string | null;
}

export interface PortSurvey {
  readonly engine: string;
  readonly instances: readonly Instance[];
  readonly leases: readonly PortLease[];
  /** Names of the folders with an `instance.conf`, with or without a container. */
  readonly declared: ReadonlySet<string>;
  /** Holders of a port, sorted by type and name. Does not include listeners outside Docker, which need a probe. */
  holders(port: number): readonly PortHolder[];
}

/**
 * Who holds which port according to declarations, leases and the config: docs/engineering/ports.md#free-ports, conditions
 * 2 to 4.
 */
export async function surveyPorts(host: ReadonlyHost, settings: PortSettings): Promise<PortSurvey> {
  // Reads leases first: a container is created before its lease is bound, so it is seen below.
  const leases = await host.leases.list();
  const [{ id, local }, containers, instances] = await Promise.all([
    host.docker.info(),
    host.docker.containers(),
    host.instances(),
  ]);
  const declarations = await declarationsOf(host, instances);
  const ephemeral = await ephemeralPorts(local);
  const instanceOf = new Map(instances.map(({ container, name }) => [container.id, name]));
  const claims = containers.flatMap((container) => claimsOf(container));

  return {
    engine: id,
    instances,
    leases,
    declared: new Set(declarations.map(({ instance }) => instance)),
    holders(port) {
      const holders: PortHolder[] = [];
      for (const { container, ports } of claims) {
        if (!isWithin(port, ports) || holders.some(({ name }) => name === container.name)) continue;
        holders.push({
          type: 'container',
          name: container.name,
          state: stateOf(container),
          instance: instanceOf.get(container.id) ?? null,
        });
      }
      for (const lease of leases) {
        if (lease.port !== port) continue;
        const state = lease.expiresAt === null ? 'bound' : `reserved until ${lease.expiresAt}`;
        holders.push({ type: 'lease', name: lease.instance, state, instance: lease.instance });
      }
      for (const { path, instance, port: stated } of declarations) {
        if (stated === port) holders.push({ type: 'declaration', name: path, state: 'declared', instance });
      }
      const owner = reservedFor(port, settings);
      if (owner !== undefined)
        holders.push({ type: 'reservation', name: owner, state: 'reserved by the config', instance: null });
      if (isWithin(port, ephemeral.range) && !ephemeral.reserved.has(port)) {
        holders.push({ type: 'ephemeral', name: 'any client', state: 'within ip_local_port_range', instance: null });
      }
      return holders;
    },
  };
}

/** As text, for output and evidence. */
export function describeHolder({ type, name, state }: PortHolder): string {
  switch (type) {
    case 'container':
      return `container ${name} (${state})`;
    case 'lease':
      return `lease of ${name} (${state})`;
    case 'declaration':
      return `declared in ${name}`;
    case 'reservation':
      return `reserved for ${name} in the config`;
    case 'ephemeral':
      return 'in ip_local_port_range, for outgoing connections';
  }
}

function stateOf(container: Container): string {
  if (isAside(container)) return 'kept aside';
  return container.state.running ? 'running' : 'stopped';
}

interface Declaration {
  readonly instance: string;
  readonly path: string;
  readonly port: number | undefined;
}

/** Every `<instance>/config/instance.conf`: an instance without a container has its port too. */
async function declarationsOf(host: ReadonlyHost, instances: readonly Instance[]): Promise<readonly Declaration[]> {
  const known = instances.flatMap(({ folder }) => (folder === undefined ? [] : [dirname(folder)]));
  const usual = host.files.roots.flatMap((root) => [
    join(root, 'resources', 'postgres', 'instances'),
    join(root, 'instances'),
  ]);
  const declarations: Declaration[] = [];
  for (const parent of [...new Set([...known, ...usual])].sort(compareText)) {
    for (const instance of await host.files.list(parent).catch(() => [])) {
      const path = join(parent, instance, 'config', 'instance.conf');
      const file = await host.files.read(path).catch(() => undefined);
      if (file !== undefined) declarations.push({ instance, path, port: declaredPort(file.text) });
    }
  }
  return declarations;
}

/** The system's port range for outgoing connections; Linux's default if it cannot be read. */
async function ephemeralPorts(
  local: boolean,
): Promise<{ readonly range: PortRange; readonly reserved: ReadonlySet<number> }> {
  async function setting(name: string): Promise<string> {
    return local ? readFile(`/proc/sys/net/ipv4/${name}`, 'utf8').catch(() => '') : '';
  }
  const range = parsePorts((await setting('ip_local_port_range')).trim().replace(/\s+/, '-'));
  const reserved = (await setting('ip_local_reserved_ports')).trim().split(',').map(parsePorts);
  return {
    range: range ?? { first: 32_768, last: 60_999 },
    reserved: new Set(reserved.flatMap((one) => (one === undefined ? [] : portsOf(one)))),
  };
}

/** Why the engine could not publish a port, from `State.Error`. Messages differ between engines and are matched loosely. */
export interface StartFailure {
  readonly reason:
    | 'allocated' // according to the engine, a container has it
    | 'in-use' // the system refused to listen: a container or any other program
    | 'address-missing'; // HostIp is not an address of this machine: not a conflict
  /** Undefined if the message names none. */
  readonly port: number | undefined;
  readonly hostIp: string;
}

/**
 * Undefined for every other failure, such as a static container address that is in use (`Address already in use` without
 * a port).
 */
export function startFailure(error: string): StartFailure | undefined {
  const reason = reasonOf(error);
  if (reason === undefined) return undefined;
  const match =
    /(?:\bfor|\btcp[46]?|\budp[46]?|\bport)\s+(\[[0-9a-f:.]*\]|\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:]*::[0-9a-f:]*?)?:?(\d{1,5})(?=[\s:/]|$)/i.exec(
      error,
    );
  const port = Number(match?.[2]);
  return {
    reason,
    port: Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined,
    hostIp: (match?.[1] ?? '').replace(/^\[(.*)\]$/, '$1'),
  };
}

function reasonOf(error: string): StartFailure['reason'] | undefined {
  if (/cannot assign requested address/i.test(error)) return 'address-missing';
  if (/port is already allocated/i.test(error)) return 'allocated';
  if (/address already in use/i.test(error) && /\blisten\b|\bbind\b|host port/i.test(error)) return 'in-use';
  return undefined;
}
