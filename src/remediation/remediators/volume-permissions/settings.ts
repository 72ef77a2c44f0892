import { z } from 'zod';
import type { ReadonlyHost } from '../../contract.ts';

/** `remediation.settings.volume-permissions` of the config. */
export interface VolumeSettings {
  /** Instances whose data is to move from a folder of the machine to a named volume. Default: none. */
  readonly toNamedVolume: readonly string[];
}

const settings = z.strictObject({ toNamedVolume: z.array(z.string()).max(1_000).default([]) });

/** Throws a ZodError where the config does not fit; the engine says so under this remediator's name. */
export function volumeSettings(host: Pick<ReadonlyHost, 'settings'>): VolumeSettings {
  return settings.parse(host.settings['volume-permissions'] ?? {});
}
