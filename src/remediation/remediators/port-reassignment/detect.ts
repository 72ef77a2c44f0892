import { ProblemsError } from '../../../errors.ts';
import { errorText } from '../../../util/text.ts';
import type { Container, PortBinding } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import {
  type Detection,
  type Evidence,
  type Finding,
  findingId,
  type Skipped,
  type ReadonlyHost,
} from '../../contract.ts';
import { type Claim, claimsOf, collides, hasBetterRight, isAside, startFailure, type StartFailure } from './observe.ts';
import { parsePorts, type PortDetails, type PortSettings, portSettings, portsOf, reservedFor } from './types.ts';

export const name = 'port-reassignment';

/** A problem as text, with its evidence. */
export interface Condition {
  readonly port: number;
  readonly trouble: PortDetails['trouble'];
  /** Who holds the port. */
  readonly holder: string;
  readonly evidence: readonly Evidence[];
}

const words = {
  taken: 'port-taken',
  'free-again': 'start-not-retried',
  stale: 'stale-allocation',
  'address-missing': 'host-address-missing',
  reserved: 'port-reserved',
} as const satisfies Record<PortDetails['trouble'], string>;

function findingOf(instance: Instance, found: Condition): Finding<PortDetails> {
  const { port, trouble, holder, evidence } = found;
  const { container } = instance;
  const { error, status, exitCode, running } = container.state;
  const bindings = declared(container)
    .filter(({ ports }) => ports.includes(port))
    .map(({ binding: { containerPort, protocol, hostIp, hostPort } }) => ({
      containerPort,
      protocol,
      hostIp,
      hostPort,
    }));
  const failed = startFailure(error) !== undefined;
  const kind = words[trouble];
  return {
    id: findingId(name, instance.name, kind),
    remediator: name,
    instance: instance.name,
    kind,
    summary: summaryOf(instance, found, failed),
    risk: running ? 'restart' : 'safe',
    evidence: [
      {
        type: 'docker',
        object: container.name,
        field: 'HostConfig.PortBindings',
        value: bindings.map(({ hostIp, hostPort }) => `${hostIp}:${hostPort}`),
      },
      ...(failed
        ? ([
            { type: 'docker', object: container.name, field: 'State', value: { Status: status, ExitCode: exitCode } },
            { type: 'message', text: error },
          ] as const)
        : []),
      ...evidence,
    ],
    details: { container: container.id, port, bindings, trouble, holder, wanted: failed || running },
    problem: null,
    ...(failed ? { down: true } : {}),
  };
}

function summaryOf(
  { name: instance, container }: Instance,
  { port, trouble, holder }: Condition,
  failed: boolean,
): string {
  const state = failed ? `${instance} did not start` : `${instance} is stopped and cannot start`;
  switch (trouble) {
    case 'taken':
    case 'stale':
      return `${state}: its port ${port} is in use by ${holder}.`;
    case 'free-again':
      return `${instance} did not start because port ${port} was in use. The port is free again, but the engine does not retry.`;
    case 'address-missing':
      return `${instance} did not start: it publishes port ${port} on ${holder}.`;
    case 'reserved':
      return `${container.name} is running on port ${port}, which is ${holder}.`;
  }
}

/** The port bindings that a container declares, with the ports that each may get. */
function declared({
  portBindings,
}: Container): readonly { readonly binding: PortBinding; readonly ports: readonly number[] }[] {
  return portBindings.flatMap((binding) => {
    const range = parsePorts(binding.hostPort);
    return range === undefined ? [] : [{ binding, ports: portsOf(range) }];
  });
}

/** A claim as evidence. */
function claimed({ container, bound, ports }: Claim): Evidence {
  const value = ports.first === ports.last ? String(ports.first) : `${ports.first}-${ports.last}`;
  return {
    type: 'docker',
    object: container.name,
    field: bound ? 'NetworkSettings.Ports' : 'HostConfig.PortBindings',
    value,
  };
}

interface World {
  readonly host: ReadonlyHost;
  readonly settings: PortSettings;
  readonly claims: readonly Claim[];
  /** Live leases: port → instance. */
  readonly leases: ReadonlyMap<number, string>;
}

/** Instances that cannot get a declared port, and running ones on a port that is reserved for someone else. */
export async function detect(host: ReadonlyHost): Promise<Detection<PortDetails>> {
  const [instances, containers, leases] = await Promise.all([
    host.instances(),
    host.docker.containers(),
    host.leases.list(),
  ]);
  const world: World = {
    host,
    settings: portSettings(host),
    claims: containers.filter((container) => !isAside(container)).flatMap(claimsOf),
    leases: new Map(leases.map(({ port, instance }) => [port, instance])),
  };
  const findings: Finding<PortDetails>[] = [];
  const notLookedAt: Skipped[] = [];
  for (const instance of instances) {
    try {
      const found = instance.container.state.running ? ofRunning(instance, world) : await ofStopped(instance, world);
      if (found !== undefined) findings.push(findingOf(instance, found));
    } catch (error) {
      // An unreachable engine is not a finding about this instance: let the caller decide whether to wait.
      if (error instanceof ProblemsError && error.code === 'engine-unreachable') throw error;
      notLookedAt.push({
        remediator: name,
        instance: instance.name,
        reason: errorText(error),
      });
    }
  }
  return { findings, notLookedAt };
}

/** A running instance keeps its port, unless the config reserves that port for someone else. */
function ofRunning({ container }: Instance, { settings }: World): Condition | undefined {
  const wanted = declared(container).flatMap(({ ports }) => ports);
  for (const { hostPort, protocol } of container.publishedPorts) {
    const port = Number(hostPort);
    const owner = protocol === 'tcp' && wanted.includes(port) ? reservedFor(port, settings) : undefined;
    if (owner !== undefined)
      return { port, trouble: 'reserved', holder: `reserved for ${owner} in the config`, evidence: [] };
  }
  return undefined;
}

async function ofStopped(instance: Instance, world: World): Promise<Condition | undefined> {
  const failure = startFailure(instance.container.state.error);
  const ranges = declared(instance.container);
  const failed = failedPort(
    failure,
    ranges.flatMap(({ ports }) => ports),
  );
  if (failed !== undefined && failure?.reason === 'address-missing')
    return {
      port: failed,
      trouble: 'address-missing',
      holder: 'an address that this machine does not have',
      evidence: [],
    };
  for (const { binding, ports } of ranges) {
    const held = await holderOf(instance, binding, ports, failure, world);
    if (held !== undefined) return { ...held, port: failedPort(failure, ports) ?? held.port };
  }
  if (failed === undefined || failure === undefined) return undefined;
  return { port: failed, trouble: 'free-again', holder: 'nothing now', evidence: [] };
}

/** The port that the engine named, if it is one of these. */
function failedPort(failure: StartFailure | undefined, ports: readonly number[]): number | undefined {
  return ports.find((port) => port === failure?.port) ?? ports[0];
}

/** From a range the engine takes the first free port, so a range is in use only if all of its ports are. */
async function holderOf(
  instance: Instance,
  binding: PortBinding,
  ports: readonly number[],
  failure: StartFailure | undefined,
  world: World,
): Promise<Condition | undefined> {
  let first: Condition | undefined;
  for (const port of ports) {
    const held = await holderOfPort(instance, binding, port, failure, world);
    if (held === undefined) return undefined;
    first ??= held;
  }
  return first;
}

async function holderOfPort(
  instance: Instance,
  binding: PortBinding,
  port: number,
  failure: StartFailure | undefined,
  { host, claims, leases }: World,
): Promise<Condition | undefined> {
  const rivals = claims.filter(
    (claim) => claim.container.id !== instance.container.id && collides(claim, binding, port),
  );
  const running = rivals.find(({ bound }) => bound);
  if (running !== undefined)
    return {
      port,
      trouble: 'taken',
      holder: `the running container ${running.container.name}`,
      evidence: [claimed(running)],
    };

  const lessee = leases.get(port);
  if (lessee !== undefined && lessee !== instance.name)
    return { port, trouble: 'taken', holder: `a lease of ${lessee}`, evidence: [] };

  // A rival with a range may get another port: only one that declares exactly this port is sure to collide.
  const older = rivals.find(
    ({ ports, container }) =>
      ports.first === ports.last && hasBetterRight(container, instance.container, lessee === instance.name),
  );
  if (older !== undefined) {
    const holder = `the stopped container ${older.container.name}, which is older`;
    return { port, trouble: 'taken', holder, evidence: [claimed(older)] };
  }

  const [probe] = await host.probes.portsFree([{ hostIp: binding.hostIp, port }]);
  if (probe === undefined || probe.free) return undefined;
  const evidence: Evidence = {
    type: 'probe',
    name: `bind and listen on ${binding.hostIp}:${port}`,
    result: probe.reason,
  };
  // The machine lacks the address, even if no start has failed yet.
  if (/EADDRNOTAVAIL|cannot assign requested address/i.test(probe.reason)) return undefined;
  const stale = failure?.reason === 'allocated';
  const holder = stale ? 'no container, although the engine has it allocated' : 'a program outside Docker';
  return { port, trouble: stale ? 'stale' : 'taken', holder, evidence: [evidence] };
}
