import { claims } from '../../../tasks/claims.ts';
import type { Remediator } from '../../contract.ts';
import { details, expected, type MemoryDetails, type MemoryExpected, settings } from './types.ts';
import { detect, name } from './detect.ts';
import { plan } from './plan.ts';
import { verify } from './verify.ts';

export const memory: Remediator<MemoryDetails, MemoryExpected> = {
  name,
  description:
    'A server ran out of memory, cannot start for lack of it, or will run out: raises its limit, or lowers its settings to fit.',
  details,
  expected,
  settings,
  claims: claims.memory,
  detect,
  plan,
  verify,
};
