/** Ports and addresses as `HostConfig.PortBindings` writes them. Pure. */

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `5434` or `5460-5462`. Undefined for an empty one, which the engine fills at each start, and for what is no port. */
export function parsePorts(text: string): PortRange | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text.trim());
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first >= 1 && first <= last && last <= 65_535 ? { first, last } : undefined;
}

export function portsOf({ first, last }: PortRange): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

export function isWithin(port: number, { first, last }: PortRange): boolean {
  return port >= first && port <= last;
}

/**
 * Whether two publications of one port number collide. Empty is every address of both families; `0.0.0.0` is all of
 * IPv4 and `::` all of IPv6, and these two live side by side, since Docker binds with IPV6_V6ONLY.
 */
export function addressesOverlap(a: string, b: string): boolean {
  const left = addressOf(a);
  const right = addressOf(b);
  if (left === '' || right === '' || left === right) return true;
  if (familyOf(left) !== familyOf(right)) return false;
  return isEvery(left) || isEvery(right);
}

function isEvery(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}

/** One spelling for each address: `[::1]`, `0:0:0:0:0:0:0:1` and `::1` are the same. What is none stays as it is. */
function addressOf(text: string): string {
  const bare = text
    .trim()
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  if (!bare.includes(':')) return bare;
  const url = URL.parse(`http://[${bare}]`);
  const address = url === null ? bare : url.hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address);
  if (mapped === null) return address;
  const [high, low] = [Number.parseInt(mapped[1] ?? '0', 16), Number.parseInt(mapped[2] ?? '0', 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
