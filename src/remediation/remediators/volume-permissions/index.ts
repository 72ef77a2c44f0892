import { claims } from '../../../tasks/claims.ts';
import type { Remediator } from '../../contract.ts';
import { details, expected, type VolumeDetails, type VolumeExpected, settings, name } from './types.ts';
import { detect } from './detect.ts';
import { plan } from './plan.ts';
import { verify } from './verify.ts';

export { requestMove } from './plan-move.ts';

export const volumePermissions: Remediator<VolumeDetails, VolumeExpected> = {
  name,
  description:
    'A server cannot use the files of its data directory, or they end with its container: changes their owner, or moves them to a named volume.',
  details,
  expected,
  settings,
  claims: claims['volume-permissions'],
  perInstance: true,
  detect,
  plan,
  verify,
};
