import type { ProblemRecord } from '../../../registry/record.ts';
import type { Remediator } from '../../contract.ts';
import { details, expected, type NetworkDetails, type NetworkExpected, settings } from './types.ts';
import { detect, name } from './detect.ts';
import { plan } from './plan.ts';
import { verify } from './verify.ts';

export const networkReconnect: Remediator<NetworkDetails, NetworkExpected> = {
  name,
  description:
    'A web GUI or another client does not reach its instance: the client is connected to the network of the instance.',
  details,
  expected,
  settings,
  matches,
  detect,
  plan,
  verify,
};

/** By a GUI or a connection in the title with words of a broken way, or by what clients say where a name is missing. */
function matches(problem: ProblemRecord): boolean {
  const title = problem.title.toLowerCase();
  const way = /\b(?:time ?outs?|unreachable|cannot (?:reach|connect)|disconnect\w*|not reachable|dns)\b/;
  if (/\b(?:pgweb|gui|networks?|clients?)\b/.test(title) && way.test(title)) return true;
  return /could not translate host name/i.test(JSON.stringify(problem));
}
