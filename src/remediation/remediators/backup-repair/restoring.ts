import type { Finding, Plan, ReadonlyHost, Refusal } from '../../contract.ts';
import type { BackupDetails, BackupExpected } from './details.ts';
import { refusal } from '../../instances/refusal.ts';

export async function planRestore(
  finding: Finding<BackupDetails>,
  host: ReadonlyHost,
): Promise<Plan<BackupExpected> | Refusal> {
  void host;
  return refusal(`${finding.instance} cannot be restored yet.`, 'Restore by hand.');
}
