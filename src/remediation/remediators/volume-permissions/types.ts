import { z } from 'zod';
import type { ReadonlyHost } from '../../contract.ts';
import { settingsOf } from '../../shared/server-settings.ts';

export const settings = z.strictObject({
  toNamedVolume: z
    .array(z.string())
    .max(1_000)
    .default([])
    .describe('Instances whose data should move from a folder of the machine to a named volume.'),
});

/** `remediation.settings.volume-permissions` of the config. */
export type VolumeSettings = z.output<typeof settings>;

/** @throws ProblemsError `bad-config`: the settings do not fit. */
export function volumeSettings(host: Pick<ReadonlyHost, 'settings'>): VolumeSettings {
  return settingsOf(host, 'volume-permissions', settings);
}

/** What `plan` needs of a finding, and `verify` of a plan. Both may have been written by another process. */

const conditionKinds = [
  'wrong-owner',
  'wrong-mode',
  'data-missing',
  'read-only',
  'lost-and-found',
  'ownership-refused',
  'label-refused',
] as const;

/** A trouble, or `bind-mount`: a move to a named volume that somebody asked for. */
const findingKinds = [...conditionKinds, 'bind-mount'] as const;

export const details = z.strictObject({
  /** By id. */
  container: z.string(),
  kind: z.enum(findingKinds),
  /** How many entries the server cannot use. */
  wrong: z.int().nonnegative(),
  /** Of the data directory. */
  entries: z.int().nonnegative(),
});

export type VolumeDetails = z.output<typeof details>;

export const expected = z.strictObject({
  /** The container's name, and the mount that holds its data. */
  name: z.string(),
  mount: z.strictObject({ type: z.enum(['volume', 'bind']), source: z.string() }),
  /** The container before a move: kept aside, stopped, on the folder. Null where the container stays the same. */
  aside: z.string().nullable(),
  restartPolicy: z.string(),
  /** As `pg_control` has it. */
  systemIdentifier: z.string(),
  /** `database: version of its collation`, of those that did not fit before; null where nobody could be asked. */
  collations: z.array(z.string()).nullable(),
});

export type VolumeExpected = z.output<typeof expected>;
