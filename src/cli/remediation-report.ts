import type { NotLookedAt, RunReport } from '../app/remediation.ts';
import { json } from '../reporters/json.ts';
import { notLookedAtText, nothingText, reportsText } from '../reporters/text/remediation.ts';
import type { Screen } from './terminal.ts';

/** How runs ended, as text or as JSON; and, of a command that looked first, what it could not look at. */
export function printReports(
  runs: readonly RunReport[],
  asJson: boolean,
  { out, notes }: Screen,
  notLookedAt?: readonly NotLookedAt[],
): void {
  if (asJson) {
    out.write(json({ schemaVersion: 1, runs, ...(notLookedAt === undefined ? {} : { notLookedAt }) }));
    return;
  }
  out.write(reportsText(runs, out.style) + notLookedAtText(notLookedAt ?? [], out.style));
  if (runs.length > 0) return;
  notes.write(
    notLookedAt === undefined ? 'There is nothing to do.\n' : `${nothingText(notLookedAt)}: there is nothing to do.\n`,
  );
}
