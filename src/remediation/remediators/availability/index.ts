import type { Remediator } from '../../contract.ts';
import { detect, name } from './detect.ts';
import { plan } from './plan.ts';
import { type AvailabilityDetails, type AvailabilityExpected, details, expected } from './types.ts';
import { verify } from './verify.ts';

/**
 * No `claims`: a record that says that a database is down names the cause if its author knows it, and then another
 * remediator is the right one.
 */
export const availability: Remediator<AvailabilityDetails, AvailabilityExpected> = {
  name,
  description: 'An instance is down, gone or does not answer: says why, and starts it if it would come up.',
  details,
  expected,
  findsSymptoms: true,
  detect,
  plan,
  verify,
};
