import type { ProblemRecord } from '../../../registry/record.ts';
import type { Remediator } from '../../contract.ts';
import { details, expected, type MemoryDetails, type MemoryExpected, settings } from './types.ts';
import { detect, name } from './detect.ts';
import { plan } from './plan.ts';
import { verify } from './verify.ts';

export const memory: Remediator<MemoryDetails, MemoryExpected> = {
  name,
  description:
    'A server was killed for its memory, cannot start for it, or will be killed: its limit is raised, or its settings are made to fit.',
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
  if (/\bmemory\b|\boom\b|shared_buffers/.test(title)) return true;
  return /out of memory|oom[-_ ]?kill|shared_buffers|could not map anonymous shared memory|could not resize shared memory segment/i.test(
    JSON.stringify(problem),
  );
}
