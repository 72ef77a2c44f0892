import { claims } from '../../../tasks/claims.ts';
import type { Remediator } from '../../contract.ts';
import { detect, name } from './detect.ts';
import { plan } from './plan.ts';
import { details, expected, type PortDetails, type PortExpected, settings } from './types.ts';
import { verify } from './verify.ts';

export { candidates } from './plan.ts';

export { describeHolder, type PortHolder, type PortSurvey, startFailure, surveyPorts } from './observe.ts';

export { portsOf } from './types.ts';

export { portSettings } from './types.ts';

export const portReassignment: Remediator<PortDetails, PortExpected> = {
  name,
  description: 'An instance cannot get its host port: moves the stopped instance to another port, on the same data.',
  details,
  expected,
  settings,
  claims: claims['port-reassignment'],
  perInstance: true,
  detect,
  plan,
  verify,
};
