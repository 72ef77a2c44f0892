import type { Action } from '../contract.ts';
import { archiveSwitch } from './archive-switch.ts';
import { backupExpire } from './backup.ts';
import { backupRemove } from './backup-remove.ts';
import { backupTake } from './backup-take.ts';
import { backupProve } from './backup-prove.ts';
import { backupQuarantine } from './backup-quarantine.ts';
import { backupRestore } from './backup-restore.ts';
import { containerRecreate } from './container-recreate.ts';
import { containerRename } from './container.ts';
import { containerStart } from './container-start.ts';
import { containerStop } from './container-stop.ts';
import { containerUpdateMemory } from './container-update.ts';
import { containerUpdateRestartPolicy } from './container-update-restart-policy.ts';
import { fileReplace } from './file-replace.ts';
import { indexDropInvalid } from './index-drop-invalid.ts';
import { migrationApply } from './migration.ts';
import { migrationRecord } from './migration-record.ts';
import { instanceCreate } from './instance-create.ts';
import { networkConnect } from './network.ts';
import { networkDisconnect } from './network-disconnect.ts';
import { networkName } from './network-name.ts';
import { poolerCreate } from './pooler-create.ts';
import { poolerPause } from './pooler-pause.ts';
import { poolerResume } from './pooler-resume.ts';
import { portBind } from './port.ts';
import { portLease } from './port-lease.ts';
import { portRelease } from './port-release.ts';
import { roleAlterSetting } from './role-alter-setting.ts';
import { sessionEndIdle } from './session-end-idle.ts';
import { sessionTerminate } from './session-terminate.ts';
import { settingAlter } from './setting.ts';
import { settingAlterStopped } from './setting-alter-stopped.ts';
import { volumeChown } from './volume-chown.ts';
import { volumeCopy } from './volume.ts';
import { volumePrepare } from './volume-prepare.ts';

/** Every built-in action: one file each, listed here. */
export const actions: readonly Action[] = [
  archiveSwitch,
  backupExpire,
  backupRemove,
  backupTake,
  backupProve,
  backupQuarantine,
  backupRestore,
  containerRecreate,
  containerRename,
  containerStart,
  containerStop,
  containerUpdateMemory,
  containerUpdateRestartPolicy,
  fileReplace,
  indexDropInvalid,
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
  sessionEndIdle,
  sessionTerminate,
  settingAlter,
  settingAlterStopped,
  volumeChown,
  volumeCopy,
  volumePrepare,
];
