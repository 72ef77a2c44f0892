import { claims } from '../../../tasks/claims.ts';
import type { Remediator } from '../../contract.ts';
import { details, expected, type VolumeDetails, type VolumeExpected, settings } from './types.ts';
import { detect, name } from './detect.ts';
import { plan } from './plan.ts';
import { verify } from './verify.ts';

export { requestMove } from './plan.ts';

export const volumePermissions: Remediator<VolumeDetails, VolumeExpected> = {
  name,
  description: 'A server cannot use the files of its data directory: changes their owner to the user of the server.',
  details,
  expected,
  settings,
  claims: claims['volume-permissions'],
  perInstance: true,
  detect,
  plan,
  verify,
};
