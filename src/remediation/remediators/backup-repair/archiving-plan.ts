import type { Instance } from '../../../host/types.ts';
import type { Finding, Plan, ReadonlyHost, Refusal } from '../../contract.ts';
import type { BackupDetails, BackupExpected } from './details.ts';
import { refusal } from './refusals.ts';

export async function planArchiving(
  finding: Finding<BackupDetails>,
  instance: Instance,
  host: ReadonlyHost,
): Promise<Plan<BackupExpected> | Refusal> {
  void finding;
  void host;
  return refusal(`Archiving of ${instance.name} cannot be set up yet.`, 'Set it up by hand.');
}
