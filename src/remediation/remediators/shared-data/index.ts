import type { Remediator } from '../../contract.ts';
import { detect, name } from './detect.ts';
import { plan } from './plan.ts';
import { details, expected, type SharedDataDetails, type SharedDataExpected } from './types.ts';
import { verify } from './verify.ts';

export const sharedData: Remediator<SharedDataDetails, SharedDataExpected> = {
  name,
  description: 'Two servers run on the same data: stops the one that started later.',
  details,
  expected,
  detect,
  plan,
  verify,
};
