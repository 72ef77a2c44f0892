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
  pageSeconds: z
    .number()
    .positive()
    .max(90)
    .default(45)
    .describe('How long a GUI may take to answer on its own page after a repair, in seconds.'),
});

/** `remediation.settings.network-reconnect` of the config. */
export type NetworkSettings = z.output<typeof settings>;

/** @throws ProblemsError `bad-config`: invalid settings. */
export function networkSettings(host: Pick<ReadonlyHost, 'settings'>): NetworkSettings {
  return settingsOf(host, 'network-reconnect', settings);
}

/** Details of a finding for `plan`, and of a plan for `verify`. Another process may have written both. */

/** A client on the host is refused by the access rules, or the server does not listen where the published port leads. */
const hostConditions = ['host-refused', 'host-not-heard'] as const;

export type HostCondition = (typeof hostConditions)[number];

export const details = z.strictObject({
  /** The container's id and name; the server's own for a client on the host. */
  client: z.string(),
  clientName: z.string(),
  /** The variable with the client's address, `command line`, or `published port`. */
  source: z.string(),
  /** The server in the client's address; for a client on the host, where the server sees it come from. */
  host: z.string(),
  port: z.int().min(1).max(65_535),
  /** `pooler-refuses`: somebody else's pooler is its way, and gives it no session. */
  trouble: z.enum([...conditions, ...hostConditions, 'pooler-refuses']),
});

export type NetworkDetails = z.output<typeof details>;

export const expected = z.strictObject({
  /** The container's id, or the name of the new one. */
  client: z.string(),
  source: z.string(),
  host: z.string(),
  port: z.int().min(1).max(65_535),
  /** The common network of client and server. */
  network: z.string(),
  /** The container's id, or its name if Compose creates a new one. */
  server: z.string(),
  /** The container that Compose has created from its files, and its label `config-hash`. */
  compose: z.strictObject({ container: z.string(), hash: z.string() }).exactOptional(),
  /** The system identifier; null if it could not be read. */
  systemIdentifier: z.string().nullable(),
  /** The GUI's own page did not answer before the run either, so it proves nothing about it. */
  silentBefore: z.literal(true).exactOptional(),
});

export type NetworkExpected = z.output<typeof expected>;
