import type { Action } from '../contract.ts';
import { backupRelease } from './backup-release.ts';
import { backupRestore } from './backup-restore.ts';
import { archiveSwitch, backupExpire, backupProve, backupQuarantine, backupRemove, backupTake } from './backup.ts';
import { collationRefresh, indexRebuild } from './collation.ts';
import { composeChange } from './compose-change.ts';
import { settingCommentOut } from './config-line.ts';
import { containerChangeImage } from './container-change-image.ts';
import { containerRecreate } from './container-recreate.ts';
import { containerUpdateMemory, containerUpdateRestartPolicy } from './container-update.ts';
import { containerRename, containerStart, containerStop, containerStopSecond } from './container.ts';
import { fileReplace } from './file-replace.ts';
import { instanceCreate } from './instance-create.ts';
import { lockFileSetAside } from './lock-file.ts';
import { indexDropInvalid, migrationApply, migrationRecord } from './migration.ts';
import { networkConnect, networkDisconnect, networkName } from './network.ts';
import { poolerCreate } from './pooler-create.ts';
import { poolerPause, poolerResume } from './pooler.ts';
import { portBind, portLease, portRelease } from './port.ts';
import { roleAlterSetting } from './role-alter-setting.ts';
import { sessionEndForSlot } from './session-end-for-slot.ts';
import { sessionEndIdle, sessionTerminate } from './session.ts';
import { settingAlter, settingAlterStopped } from './setting.ts';
import { slotDrop } from './slot.ts';
import { volumeChown } from './volume-chown.ts';
import { volumeCopy, volumePrepare } from './volume.ts';

/** Every built-in action: one file each, listed here. */
export const actions: readonly Action[] = [
  archiveSwitch,
  backupExpire,
  backupRemove,
  backupTake,
  backupProve,
  backupQuarantine,
  backupRelease,
  backupRestore,
  collationRefresh,
  composeChange,
  containerChangeImage,
  containerRecreate,
  containerRename,
  containerStart,
  containerStop,
  containerStopSecond,
  containerUpdateMemory,
  containerUpdateRestartPolicy,
  fileReplace,
  indexDropInvalid,
  indexRebuild,
  lockFileSetAside,
  migrationApply,
  migrationRecord,
  instanceCreate,
  networkConnect,
  networkDisconnect,
  networkName,
  poolerCreate,
  poolerPause,
  poolerResume,
  portBind,
  portLease,
  portRelease,
  roleAlterSetting,
  sessionEndForSlot,
  sessionEndIdle,
  sessionTerminate,
  settingAlter,
  settingAlterStopped,
  settingCommentOut,
  slotDrop,
  volumeChown,
  volumeCopy,
  volumePrepare,
];
