import type { ProblemRecord } from '../../../registry/record.ts';
import type { Remediator } from '../../contract.ts';
import { type BackupDetails, type BackupExpected, details, expected, settings } from './types.ts';
import { detect, name } from './detect.ts';
import { plan } from './plan.ts';
import { verify } from './verify.ts';

export { archivePlaceOf } from './plan-archiving.ts';
export { planRestore, type RestoreRequest } from './plan-restore.ts';

export const backupRepair: Remediator<BackupDetails, BackupExpected> = {
  name,
  description:
    'Backups that would not restore: they are set aside, and a new one is taken and proven by restoring it. A damaged database is left to a person.',
  details,
  expected,
  settings,
  matches,
  detect,
  plan,
  verify,
};

function matches(problem: ProblemRecord): boolean {
  const title = problem.title.toLowerCase();
  return /backup|restore|corrupt|data loss|checksum|point-in-time|archiv/.test(title);
}
