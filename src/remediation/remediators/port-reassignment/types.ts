import { z } from 'zod';
import type { ReadonlyHost } from '../../contract.ts';
import { settingsOf } from '../../shared/server-settings.ts';

/** Ports and addresses as in `HostConfig.PortBindings`. Pure. */

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `5434` or `5460-5462`. Undefined for an empty text, for which the engine chooses a port, and for invalid ports. */
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
 * Whether two bindings of one port number collide. Empty means every address of both families, `0.0.0.0` all of IPv4 and
 * `::` all of IPv6; these two do not collide, since Docker binds with IPV6_V6ONLY.
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

/** Normalizes addresses: `[::1]`, `0:0:0:0:0:0:0:1` and `::1` are the same. Other texts are unchanged. */
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

/** `remediation.settings.port-reassignment` of the config. */
export interface PortSettings {
  readonly range: PortRange;
  readonly reserved: readonly { readonly ports: PortRange; readonly owner: string }[];
  readonly files: readonly string[];
}

const range = z
  .string()
  .refine((text) => parsePorts(text) !== undefined, 'must be a port or a range such as 5433-5499');

export const settings = z.strictObject({
  range: range.default('5433-5499').describe('The ports that new ones are taken from.'),
  reserved: z
    .record(range, z.string())
    .default({})
    .describe('Ports or ranges that are never handed out, each with the name of who uses it.'),
  files: z
    .array(z.string())
    .max(100)
    .default([])
    .describe('Further files that may name the port of an instance, relative to the project’s folder.'),
});

/** @throws ProblemsError `bad-config`: invalid settings. */
export function portSettings(host: Pick<ReadonlyHost, 'settings'>): PortSettings {
  const { range: stated, reserved, files } = settingsOf(host, 'port-reassignment', settings);
  return {
    range: rangeOf(stated),
    reserved: Object.entries(reserved).map(([text, owner]) => ({ ports: rangeOf(text), owner })),
    files,
  };
}

function rangeOf(checked: string): PortRange {
  return parsePorts(checked) ?? { first: 0, last: 0 };
}

/** The owner of a reserved port in the config, if any. */
export function reservedFor(port: number, { reserved }: PortSettings): string | undefined {
  return reserved.find((one) => isWithin(port, one.ports))?.owner;
}

/** Details of a finding for `plan`, and of a plan for `verify`. Another process may have written both. */

const binding = z.strictObject({
  containerPort: z.int().min(1).max(65_535),
  protocol: z.string(),
  hostIp: z.string(),
  /** As declared: a port or a range. */
  hostPort: z.string(),
});

export const details = z.strictObject({
  container: z.string(),
  /** The port that the instance cannot get. */
  port: z.int().min(1).max(65_535),
  /** The bindings of that port. */
  bindings: z.array(binding).min(1).max(50),
  trouble: z.enum(['taken', 'free-again', 'stale', 'address-missing', 'reserved']),
  /** As text. */
  holder: z.string(),
  /** It failed to start, or is running, so it must run after the repair. A stopped one is stopped again. */
  wanted: z.boolean(),
});

export type PortDetails = z.output<typeof details>;

export const expected = z.strictObject({
  name: z.string(),
  port: z.int(),
  /** The expected bindings. */
  bindings: z.array(binding),
  restartPolicy: z.strictObject({ name: z.string(), maximumRetryCount: z.int() }),
  /** The container is not recreated, only started. */
  same: z.boolean(),
  /** The label `config-hash` that Compose gives the new container. Absent: Compose does not manage it. */
  composeHash: z.string().exactOptional(),
  /** From `pg_control`; null if that could not be read. */
  systemIdentifier: z.string().nullable(),
  /** Sorted names; null if they could not be read, as for a stopped instance. */
  databases: z.array(z.string()).nullable(),
});

export type PortExpected = z.output<typeof expected>;

export const databasesQuery = 'SELECT datname FROM pg_catalog.pg_database ORDER BY datname COLLATE "C"';
