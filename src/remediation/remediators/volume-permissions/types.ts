import { z } from 'zod';
import type { ReadonlyHost } from '../../contract.ts';
import { settingsOf } from '../../shared/server-settings.ts';

export const name = 'volume-permissions';

export const settings = z.strictObject({
  toNamedVolume: z
    .array(z.string())
    .max(1_000)
    .default([])
    .describe('Instances whose data should move from a folder of the machine to a named volume.'),
});

/** `remediation.settings.volume-permissions` of the config. */
export type VolumeSettings = z.output<typeof settings>;

/** @throws ProblemsError `bad-config`: invalid settings. */
export function volumeSettings(host: Pick<ReadonlyHost, 'settings'>): VolumeSettings {
  return settingsOf(host, name, settings);
}

/** Details of a finding for `plan`, and of a plan for `verify`. Another process may have written both. */

const conditionKinds = [
  'wrong-owner',
  'wrong-mode',
  'data-missing',
  'read-only',
  'lost-and-found',
  'ownership-refused',
  'label-refused',
] as const;

/** Where the data lie: they end with the container, or those of an empty instance may be in an unattached volume. */
const placementKinds = ['anonymous-volume', 'in-container', 'empty-cluster'] as const;

export function isPlacement(kind: VolumeDetails['kind']): boolean {
  return placementKinds.some((one) => one === kind);
}

/** A problem, or `bind-mount`: a requested move to a named volume. */
const findingKinds = [...conditionKinds, ...placementKinds, 'bind-mount'] as const;

export const details = z.strictObject({
  /** The container's id. */
  container: z.string(),
  kind: z.enum(findingKinds),
  /** How many entries the server cannot use. */
  wrong: z.int().nonnegative(),
  /** Mode of the data directory. */
  entries: z.int().nonnegative(),
  /** Names of unattached volumes that hold another cluster (`empty-cluster`). */
  volumes: z.array(z.string()).exactOptional(),
});

export type VolumeDetails = z.output<typeof details>;

export const expected = z.strictObject({
  /** The container's name, and the mount that holds its data. */
  name: z.string(),
  mount: z.strictObject({ type: z.enum(['volume', 'bind']), source: z.string() }),
  /** The old container after a move: kept, stopped, on the folder. Null without a move. */
  aside: z.string().nullable(),
  restartPolicy: z.string(),
  /** From `pg_control`. */
  systemIdentifier: z.string(),
  /** `database: version of its collation` of databases that already differed before; null if unknown. */
  collations: z.array(z.string()).nullable(),
});

export type VolumeExpected = z.output<typeof expected>;
