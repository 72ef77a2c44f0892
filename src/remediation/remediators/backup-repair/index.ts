import { claims } from '../../../tasks/claims.ts';
import type { Remediator } from '../../contract.ts';
import { type BackupDetails, type BackupExpected, details, expected, settings } from './types.ts';
import { detect, name } from './detect.ts';
import { plan } from './plan.ts';
import { verify } from './verify.ts';

export { archivePlaceOf } from './plan-archiving.ts';
export { backupSettings } from './types.ts';
export { planRestore, type RestoreRequest } from './plan-restore.ts';

export const backupRepair: Remediator<BackupDetails, BackupExpected> = {
  name,
  description:
    'Backups cannot be restored: quarantines them, takes a new one and proves it by a test restore. A damaged database is left to you.',
  details,
  expected,
  settings,
  claims: claims['backup-repair'],
  perInstance: true,
  detect,
  plan,
  verify,
};
