import { z } from 'zod';
import type { ReadonlyHost } from '../../contract.ts';

/** `remediation.settings.network-reconnect` of the config. */
export interface NetworkSettings {
  /** Networks that a client may be connected to although other programs are on them. Default: none. */
  readonly sharedNetworks: readonly string[];
}

const settings = z.strictObject({ sharedNetworks: z.array(z.string()).max(1_000).default([]) });

/** Throws a ZodError where the config does not fit; the engine says so under this remediator's name. */
export function networkSettings(host: Pick<ReadonlyHost, 'settings'>): NetworkSettings {
  return settings.parse(host.settings['network-reconnect'] ?? {});
}
