import type { Remediator } from '../../contract.ts';
import { detect, name } from './detect.ts';
import { plan } from './plan.ts';
import { type CollationDetails, type CollationExpected, details, expected } from './types.ts';
import { verify } from './verify.ts';

export const collationVersions: Remediator<CollationDetails, CollationExpected> = {
  name,
  description:
    'A new base image sorts text by another version of its library: rebuilds the indexes that depend on it, one at a time, then records the new version.',
  details,
  expected,
  perInstance: true,
  detect,
  plan,
  verify,
};
