import { claims } from '../../../tasks/claims.ts';
import type { Remediator } from '../../contract.ts';
import { detect, name } from './detect.ts';
import { plan } from './plan.ts';
import { details, expected, type PoolDetails, type PoolExpected, settings } from './types.ts';
import { verify } from './verify.ts';

export const connectionPool: Remediator<PoolDetails, PoolExpected> = {
  name,
  description:
    'A server refuses sessions: who holds them is found out, and leaks, too few slots or the want of a pooler are repaired.',
  details,
  expected,
  settings,
  claims: claims['connection-pool'],
  detect,
  plan,
  verify,
};
