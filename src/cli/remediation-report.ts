import type { RunReport } from '../remediation/index.ts';
import { json } from '../reporters/json.ts';
import { reportsText } from '../reporters/remediation.ts';
import type { Screen } from './screen.ts';

/** How runs ended, as text or as JSON. */
export function printReports(runs: readonly RunReport[], asJson: boolean, { out, notes }: Screen): void {
  if (asJson) out.write(json({ schemaVersion: 1, runs }));
  else if (runs.length === 0) notes.write('Nothing is wrong: there is nothing to do.\n');
  else out.write(reportsText(runs, out.style));
}
