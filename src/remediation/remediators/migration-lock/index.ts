import { claims } from '../../../tasks/claims.ts';
import type { Remediator } from '../../contract.ts';
import { details, expected, type MigrationDetails, type MigrationExpected, settings } from './types.ts';
import { detect, name } from './detect.ts';
import { plan } from './plan.ts';
import { verify } from './verify.ts';

export const migrationLock: Remediator<MigrationDetails, MigrationExpected> = {
  name,
  description:
    'Migrations that ran at the same time, or were interrupted, left work half done: rebuilds invalid indexes, and applies files that lost a race.',
  details,
  expected,
  settings,
  claims: claims['migration-lock'],
  perInstance: true,
  detect,
  plan,
  verify,
};
