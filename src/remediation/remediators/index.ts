import type { Remediator } from '../contract.ts';
import { availability } from './availability/index.ts';
import { backupRepair } from './backup-repair/index.ts';
import { collationVersions } from './collation-versions/index.ts';
import { connectionPool } from './connection-pool/index.ts';
import { memory } from './memory/index.ts';
import { migrationLock } from './migration-lock/index.ts';
import { networkReconnect } from './network-reconnect/index.ts';
import { portReassignment } from './port-reassignment/index.ts';
import { serverLimits } from './server-limits/index.ts';
import { sharedData } from './shared-data/index.ts';
import { volumePermissions } from './volume-permissions/index.ts';

/** Every built-in remediator: one folder each, listed here. */
export const remediators: readonly Remediator[] = [
  availability,
  backupRepair,
  collationVersions,
  connectionPool,
  memory,
  migrationLock,
  networkReconnect,
  portReassignment,
  serverLimits,
  sharedData,
  volumePermissions,
];
