import type { Container, PortBinding } from '../../../host/docker/types.ts';
import { addressesOverlap, isWithin, parsePorts, type PortRange } from './port-range.ts';

/** A container's declared or bound publication of ports. */
export interface Claim {
  readonly container: Container;
  readonly hostIp: string;
  readonly protocol: string;
  readonly ports: PortRange;
  /** It has them now. A container that does not run claims what it will want at its next start. */
  readonly bound: boolean;
}

/**
 * What a container binds now and what it declares. Of one that does not run only the declaration tells: its
 * `NetworkSettings.Ports` are empty (PGOPS §1.1). A running one declares a range, and holds one port of it.
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

/** Whether both cannot be published at once. */
export function collides(claimed: Claim, binding: PortBinding, port: number): boolean {
  return (
    claimed.protocol === binding.protocol &&
    isWithin(port, claimed.ports) &&
    addressesOverlap(claimed.hostIp, binding.hostIp)
  );
}

/**
 * Whether `other` keeps a port that both declare and neither holds: the younger one moves, unless a lease says whose
 * the port is. One that runs is not asked here: it never makes room. PGOPS §1.2.
 */
export function hasBetterRight(other: Container, mine: Container, leaseIsMine: boolean): boolean {
  if (leaseIsMine) return false;
  if (other.created !== mine.created) return other.created < mine.created;
  return other.id < mine.id;
}

/**
 * Containers kept after a recreate are not started again: they claim nothing, though a port that they would need for
 * their return is not given away lightly either.
 */
export function isAside(container: Container): boolean {
  return container.name.includes('.pgops-old-') || Object.hasOwn(container.labels, 'problems.aside');
}

function claim(container: Container, { hostIp, hostPort, protocol }: PortBinding, bound: boolean): readonly Claim[] {
  const ports = parsePorts(hostPort);
  return ports === undefined ? [] : [{ container, hostIp, protocol, ports, bound }];
}
