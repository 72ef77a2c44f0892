import { z } from 'zod';
import type { ReadonlyHost } from '../../contract.ts';
import { settingsOf } from '../../instances/settings.ts';

/** `remediation.settings.volume-permissions` of the config. */
export interface VolumeSettings {
  /** Instances whose data is to move from a folder of the machine to a named volume. Default: none. */
  readonly toNamedVolume: readonly string[];
}

const settings = z.strictObject({ toNamedVolume: z.array(z.string()).max(1_000).default([]) });

/** @throws ProblemsError `bad-config`: the settings do not fit. */
export function volumeSettings(host: Pick<ReadonlyHost, 'settings'>): VolumeSettings {
  return settingsOf(host, 'volume-permissions', settings);
}
