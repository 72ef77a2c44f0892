import { z } from 'zod';
import type { ReadonlyHost } from '../../contract.ts';
import { isWithin, parsePorts, type PortRange } from './port-range.ts';

/** `remediation.settings.port-reassignment` of the config. */
export interface PortSettings {
  /** Where new ports are taken from. Default 5433–5499. */
  readonly range: PortRange;
  /** Ports or ranges that belong to somebody else, with a word about who: none is handed out. Default: none. */
  readonly reserved: readonly { readonly ports: PortRange; readonly owner: string }[];
  /** Files besides the usual ones that may name an instance's port. Paths relative to the project's folder. */
  readonly files: readonly string[];
}

const ports = z.string().transform((text, context): PortRange => {
  const range = parsePorts(text);
  if (range !== undefined) return range;
  context.addIssue('is no port and no range such as 5433-5499');
  return z.NEVER;
});

const settings = z.strictObject({
  range: ports.default({ first: 5433, last: 5499 }),
  reserved: z.record(z.string(), z.string()).default({}),
  files: z.array(z.string()).max(100).default([]),
});

/** Throws a ZodError where the config does not fit; the engine says so under this remediator's name. */
export function portSettings(host: Pick<ReadonlyHost, 'settings'>): PortSettings {
  const { range, reserved, files } = settings.parse(host.settings['port-reassignment'] ?? {});
  return {
    range,
    files,
    reserved: Object.entries(reserved).map(([text, owner]) => ({ ports: ports.parse(text), owner })),
  };
}

/** Who has the port by the config, if anybody. */
export function reservedFor(port: number, { reserved }: PortSettings): string | undefined {
  return reserved.find((one) => isWithin(port, one.ports))?.owner;
}
