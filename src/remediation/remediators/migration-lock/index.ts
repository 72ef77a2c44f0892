import { claims } from '../../../tasks/claims.ts';
import type { Remediator } from '../../contract.ts';
import { details, expected, type MigrationDetails, type MigrationExpected, settings } from './types.ts';
import { detect, name } from './detect.ts';
import { plan } from './plan.ts';
import { verify } from './verify.ts';

export const migrationLock: Remediator<MigrationDetails, MigrationExpected> = {
  name,
  description:
    'Migrations that were run at once, or cut off, left something half done: an invalid index is built again, and a file that lost is applied.',
  details,
  expected,
  settings,
  claims: claims['migration-lock'],
  detect,
  plan,
  verify,
};
