import {
  type Json,
  openRemediation,
  type Remediation,
  type RemediationOptions,
  type Remediator,
} from '../../../src/app/remediation.ts';
import { availability } from '../../../src/remediation/remediators/availability/index.ts';
import { backupRepair } from '../../../src/remediation/remediators/backup-repair/index.ts';
import { connectionPool } from '../../../src/remediation/remediators/connection-pool/index.ts';
import { memory } from '../../../src/remediation/remediators/memory/index.ts';
import { migrationLock } from '../../../src/remediation/remediators/migration-lock/index.ts';
import { networkReconnect } from '../../../src/remediation/remediators/network-reconnect/index.ts';
import { volumePermissions } from '../../../src/remediation/remediators/volume-permissions/index.ts';
import { seededCredentials } from '../images/recipe.ts';
import type { Run } from '../run.ts';

/** A project folder, and what the names of its containers begin with. */
export type Place = Pick<Run, 'folder' | 'prefix'>;
export type Settings = { readonly [key: string]: Json };

export interface OpenOptions extends Partial<RemediationOptions> {
  /** Further remediators. */
  readonly others?: readonly Remediator[];
  /** Default: in the project folder. */
  readonly state?: string;
}

type Open = (place: Place, settings?: Settings, options?: OpenOptions) => Promise<Remediation>;

/** One remediator, on the instances of one run. */
function openAlone(remediator: Remediator, usual: Settings = {}): Open {
  return async ({ folder, prefix }, settings = {}, { others = [], state, ...options } = {}) =>
    openRemediation({
      folder,
      remediators: [remediator, ...others],
      config: {
        containers: `^${prefix}vrooli-postgres-(.+)$`,
        ...(state === undefined ? {} : { state }),
        ...(remediator.settings === undefined ? {} : { settings: { [remediator.name]: { ...usual, ...settings } } }),
      },
      ...options,
    });
}

export const openAvailability = openAlone(availability);
export const openBackups = openAlone(backupRepair);
export const openPools = openAlone(connectionPool);
/** With a load as short as it can be. */
export const openMemory = openAlone(memory, { loadSeconds: 0 });
/** As the superuser of the lab's instances, which owns their tables. */
export const openMigrations = openAlone(migrationLock, { roles: { '*': seededCredentials.user } });
export const openNetworks = openAlone(networkReconnect);
export const openVolumes = openAlone(volumePermissions);

/** By name, so that another process can open the same. */
export const openers = {
  'backup-repair': openBackups,
  'connection-pool': openPools,
  memory: openMemory,
  'migration-lock': openMigrations,
  'network-reconnect': openNetworks,
  'volume-permissions': openVolumes,
} as const;
