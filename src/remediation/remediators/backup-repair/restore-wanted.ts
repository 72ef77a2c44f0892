import type { Finding, ReadonlyHost } from '../../contract.ts';
import type { BackupDetails } from './details.ts';
import type { BackupSettings } from './settings.ts';

/** A restore that the command line asks for, until the new instance is there. */
export async function restoreWanted(
  host: ReadonlyHost,
  { restore }: BackupSettings,
): Promise<readonly Finding<BackupDetails>[]> {
  void host;
  void restore;
  return [];
}
