import type { ProblemRecord } from '../../../registry/record.ts';
import type { Remediator } from '../../contract.ts';
import { detect, name } from './detect.ts';
import { plan } from './plan.ts';
import { details, expected, type PortDetails, type PortExpected, settings } from './types.ts';
import { verify } from './verify.ts';

export { candidates } from './plan.ts';

export { describeHolder, type PortHolder, type PortSurvey, surveyPorts } from './observe.ts';

export { portsOf } from './types.ts';

export { portSettings } from './types.ts';

export const portReassignment: Remediator<PortDetails, PortExpected> = {
  name,
  description: 'An instance cannot have its host port: the one that does not run is given another, on the same data.',
  details,
  expected,
  settings,
  matches,
  detect,
  plan,
  verify,
};

/** By what the record says of errors and causes: `port is already allocated`, or ports with conflicts in the title. */
function matches(problem: ProblemRecord): boolean {
  const title = problem.title.toLowerCase();
  if (/\bports?\b/.test(title) && /conflict|collision|clash|allocat|taken|in use/.test(title)) return true;
  return /port is already allocated|bind: address already in use|failed to bind host port/i.test(
    JSON.stringify(problem),
  );
}
