import { z } from 'zod';
import type { ReadonlyHost } from '../../contract.ts';
import { settingsOf } from '../../instances/settings.ts';

const settings = z.strictObject({
  /** How long a backup is kept, in days. */
  keepDays: z.number().nonnegative().default(7),
  /** How long one that was set aside is kept, in days. */
  quarantineDays: z.number().nonnegative().default(30),
  /** How many of an instance's newest good backups are never removed. */
  keepGood: z.int().min(2).default(2),
  /** A backup to be taken. The command line says it, no config. */
  take: z.strictObject({ instance: z.string(), name: z.string(), drill: z.boolean() }).exactOptional(),
  /** Backups to be removed, `<instance>/<name>` each. The command line says it, no config. */
  expire: z.array(z.string()).default([]),
});

/** `remediation.settings.backup-request` of the config. */
export type RequestSettings = z.output<typeof settings>;

/** @throws ProblemsError `bad-config`: the settings do not fit. */
export function requestSettings(host: Pick<ReadonlyHost, 'settings'>): RequestSettings {
  return settingsOf(host, 'backup-request', settings);
}
