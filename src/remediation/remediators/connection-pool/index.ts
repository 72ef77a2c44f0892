import type { ProblemRecord } from '../../../registry/record.ts';
import type { Remediator } from '../../contract.ts';
import { detect, name } from './detect.ts';
import { plan } from './plan.ts';
import { details, expected, limitReached, type PoolDetails, type PoolExpected, settings } from './types.ts';
import { verify } from './verify.ts';

export const connectionPool: Remediator<PoolDetails, PoolExpected> = {
  name,
  description:
    'A server refuses sessions: who holds them is found out, and leaks, too few slots or the want of a pooler are repaired.',
  details,
  expected,
  settings,
  matches,
  detect,
  plan,
  verify,
};

/** By the title, or by the texts that the record quotes. */
function matches(problem: ProblemRecord): boolean {
  const title = problem.title.toLowerCase();
  if (/connection/.test(title) && /pool|exhaust|slot|limit|too many/.test(title)) return true;
  return JSON.stringify(problem)
    .replaceAll('\\"', '"')
    .split(/\\n|`/)
    .some((text) => limitReached(text) !== undefined);
}
