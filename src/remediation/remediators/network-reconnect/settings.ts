import { z } from 'zod';
import type { ReadonlyHost } from '../../contract.ts';
import { settingsOf } from '../../instances/settings.ts';

/** `remediation.settings.network-reconnect` of the config. */
export interface NetworkSettings {
  /** Networks that a client may be connected to although other programs are on them. Default: none. */
  readonly sharedNetworks: readonly string[];
}

const settings = z.strictObject({ sharedNetworks: z.array(z.string()).max(1_000).default([]) });

/** @throws ProblemsError `bad-config`: the settings do not fit. */
export function networkSettings(host: Pick<ReadonlyHost, 'settings'>): NetworkSettings {
  return settingsOf(host, 'network-reconnect', settings);
}
