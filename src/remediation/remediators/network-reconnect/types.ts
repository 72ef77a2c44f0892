import { z } from 'zod';
import type { ReadonlyHost } from '../../contract.ts';
import { settingsOf } from '../../shared/server-settings.ts';
import { conditions } from './diagnose.ts';

export const settings = z.strictObject({
  sharedNetworks: z
    .array(z.string())
    .max(1_000)
    .default([])
    .describe('Networks that a client may be connected to although other programs use them.'),
});

/** `remediation.settings.network-reconnect` of the config. */
export type NetworkSettings = z.output<typeof settings>;

/** @throws ProblemsError `bad-config`: the settings do not fit. */
export function networkSettings(host: Pick<ReadonlyHost, 'settings'>): NetworkSettings {
  return settingsOf(host, 'network-reconnect', settings);
}

/** What `plan` needs of a finding, and `verify` of a plan. Both may have been written by another process. */

export const details = z.strictObject({
  /** The container's id and name. */
  client: z.string(),
  clientName: z.string(),
  /** The variable that says where the client looks, or `command line`. */
  source: z.string(),
  host: z.string(),
  port: z.int().min(1).max(65_535),
  trouble: z.enum(conditions),
});

export type NetworkDetails = z.output<typeof details>;

export const expected = z.strictObject({
  /** The container's id, or the name that a new one has. */
  client: z.string(),
  source: z.string(),
  host: z.string(),
  port: z.int().min(1).max(65_535),
  /** On which client and server meet. */
  network: z.string(),
  server: z.string(),
  /** As `pg_control` has it; null where the server could not be asked. */
  systemIdentifier: z.string().nullable(),
});

export type NetworkExpected = z.output<typeof expected>;
