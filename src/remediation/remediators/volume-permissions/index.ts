import type { ProblemRecord } from '../../../registry/record.ts';
import type { Remediator } from '../../contract.ts';
import { details, expected, type VolumeDetails, type VolumeExpected, settings } from './types.ts';
import { detect, name } from './detect.ts';
import { plan } from './plan.ts';
import { signOf } from './observe.ts';
import { verify } from './verify.ts';

export const volumePermissions: Remediator<VolumeDetails, VolumeExpected> = {
  name,
  description:
    'A server cannot use the files of its data directory: they are given to the user that it runs as, on the same data.',
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
  if (/permission|ownership|chown/.test(title) && /volume|mount|data|docker|file/.test(title)) return true;
  return JSON.stringify(problem)
    .replaceAll('\\"', '"')
    .split(/\\n|`/)
    .some((text) => signOf(text) !== undefined && !text.includes('Read-only'));
}
