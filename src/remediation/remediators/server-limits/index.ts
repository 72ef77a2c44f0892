import type { Remediator } from '../../contract.ts';
import { detect, name } from './detect.ts';
import { plan } from './plan.ts';
import { details, expected, type LimitDetails, type LimitExpected, settings } from './types.ts';
import { verify } from './verify.ts';

export const serverLimits: Remediator<LimitDetails, LimitExpected> = {
  name,
  description:
    'A server that will stop: its transaction ids run out, or its disk fills, perhaps with WAL that a replication slot keeps.',
  details,
  expected,
  settings,
  detect,
  plan,
  verify,
};
