import type { Container, PortBinding } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import { type Evidence, type Finding, findingId } from '../../contract.ts';
import type { Claim } from './claims.ts';
import { parsePorts, portsOf } from './port-range.ts';
import { startFailure } from './start-failure.ts';
import type { PortDetails } from './types.ts';

export const name = 'port-reassignment';

/** What was found, in words and with what it was seen by. */
export interface Trouble {
  readonly port: number;
  readonly trouble: PortDetails['trouble'];
  /** Who or what is in the way. */
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

export function findingOf(instance: Instance, found: Trouble): Finding<PortDetails> {
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
  };
}

function summaryOf(
  { name: instance, container }: Instance,
  { port, trouble, holder }: Trouble,
  failed: boolean,
): string {
  const state = failed ? `${instance} did not start` : `${instance} is stopped and cannot start`;
  switch (trouble) {
    case 'taken':
    case 'stale':
      return `${state}: its port ${port} is held by ${holder}.`;
    case 'free-again':
      return `${instance} did not start because port ${port} was taken. It is free again, and the engine does not try a second time.`;
    case 'address-missing':
      return `${instance} did not start: it is to publish port ${port} on ${holder}.`;
    case 'reserved':
      return `${container.name} runs on port ${port}, which is ${holder}.`;
  }
}

/** The publications that a container declares, with the ports that each may get. */
export function declared({
  portBindings,
}: Container): readonly { readonly binding: PortBinding; readonly ports: readonly number[] }[] {
  return portBindings.flatMap((binding) => {
    const range = parsePorts(binding.hostPort);
    return range === undefined ? [] : [{ binding, ports: portsOf(range) }];
  });
}

/** A claim as it was seen. */
export function claimed({ container, bound, ports }: Claim): Evidence {
  const value = ports.first === ports.last ? String(ports.first) : `${ports.first}-${ports.last}`;
  return {
    type: 'docker',
    object: container.name,
    field: bound ? 'NetworkSettings.Ports' : 'HostConfig.PortBindings',
    value,
  };
}
