import { claims } from '../../../tasks/claims.ts';
import type { Remediator } from '../../contract.ts';
import { details, expected, type NetworkDetails, type NetworkExpected, settings } from './types.ts';
import { detect, name } from './detect.ts';
import { plan } from './plan.ts';
import { verify } from './verify.ts';

export const networkReconnect: Remediator<NetworkDetails, NetworkExpected> = {
  name,
  description:
    'A web GUI or another client cannot reach its instance: connects the client to the network of the instance.',
  details,
  expected,
  settings,
  claims: claims['network-reconnect'],
  perInstance: true,
  detect,
  plan,
  verify,
};
