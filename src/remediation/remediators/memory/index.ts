import { claims } from '../../../tasks/claims.ts';
import type { Remediator } from '../../contract.ts';
import { details, expected, type MemoryDetails, type MemoryExpected, settings } from './types.ts';
import { detect, name } from './detect.ts';
import { plan } from './plan.ts';
import { verify } from './verify.ts';

export const memory: Remediator<MemoryDetails, MemoryExpected> = {
  name,
  description:
    'A server was killed for its memory, cannot start for it, or will be killed: its limit is raised, or its settings are made to fit.',
  details,
  expected,
  settings,
  claims: claims.memory,
  detect,
  plan,
  verify,
};
