import type { ProblemRecord } from '../../../registry/record.ts';
import type { Remediator } from '../../contract.ts';
import { details, expected, type MigrationDetails, type MigrationExpected, settings } from './types.ts';
import { detect, name } from './detect.ts';
import { plan } from './plan.ts';
import { verify } from './verify.ts';

export const migrationLock: Remediator<MigrationDetails, MigrationExpected> = {
  name,
  description:
    'Migrations that were run at once, or cut off, left something half done: an invalid index is built again, and a file that lost is applied.',
  details,
  expected,
  settings,
  matches,
  detect,
  plan,
  verify,
};

/** By the title, or by the messages that the record quotes. */
function matches(problem: ProblemRecord): boolean {
  const title = problem.title.toLowerCase();
  if (/migrat/.test(title) && /race|lock|schema|concurren|half|index|fail/.test(title)) return true;
  if (/invalid index/.test(title)) return true;
  const text = JSON.stringify(problem).replaceAll('\\"', '"');
  return (
    /unique constraint "pg_\w+_index"|tuple concurrently updated/.test(text) && /migrat|\bddl\b|schema/i.test(text)
  );
}
