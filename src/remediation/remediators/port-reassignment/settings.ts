import { z } from 'zod';
import type { ReadonlyHost } from '../../contract.ts';
import { settingsOf } from '../../instances/settings.ts';
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

const range = z.string().refine((text) => parsePorts(text) !== undefined, 'is no port and no range such as 5433-5499');

const settings = z.strictObject({
  range: range.default('5433-5499'),
  reserved: z.record(range, z.string()).default({}),
  files: z.array(z.string()).max(100).default([]),
});

/** @throws ProblemsError `bad-config`: the settings do not fit. */
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

/** Who has the port by the config, if anybody. */
export function reservedFor(port: number, { reserved }: PortSettings): string | undefined {
  return reserved.find((one) => isWithin(port, one.ports))?.owner;
}
