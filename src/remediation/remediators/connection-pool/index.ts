import { claims } from '../../../tasks/claims.ts';
import type { Remediator } from '../../contract.ts';
import { detect, name } from './detect.ts';
import { plan } from './plan.ts';
import { details, expected, type PoolDetails, type PoolExpected, settings } from './types.ts';
import { verify } from './verify.ts';

export const connectionPool: Remediator<PoolDetails, PoolExpected> = {
  name,
  description:
    'A server refuses sessions: finds out who holds them, ends leaks, raises max_connections or adds a pooler.',
  details,
  expected,
  settings,
  claims: claims['connection-pool'],
  perInstance: true,
  detect,
  plan,
  verify,
};
