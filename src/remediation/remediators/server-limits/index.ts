import type { Remediator } from '../../contract.ts';
import { detect, name } from './detect.ts';
import { plan } from './plan.ts';
import { details, expected, type LimitDetails, settings } from './types.ts';
import { verify } from './verify.ts';

export const serverLimits: Remediator<LimitDetails, null> = {
  name,
  description: 'A server that will stop: its transaction ids run out, or a replication slot fills its disk with WAL.',
  details,
  expected,
  settings,
  detect,
  plan,
  verify,
};
