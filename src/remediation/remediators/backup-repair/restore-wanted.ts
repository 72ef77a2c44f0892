import { type Finding, findingId, type ReadonlyHost } from '../../contract.ts';
import type { BackupDetails } from './types.ts';
import type { BackupSettings } from './settings.ts';

/** A restore that the command line asks for, until the new instance is there. */
export async function restoreWanted(
  host: ReadonlyHost,
  { restore }: BackupSettings,
): Promise<readonly Finding<BackupDetails>[]> {
  if (restore === undefined || (await host.instance(restore.into)) !== undefined) return [];
  const { backup, into, to } = restore;
  const moment = to === undefined ? '' : `, as it was at ${to}`;
  return [
    {
      id: findingId('backup-repair', into, 'restore-wanted'),
      remediator: 'backup-repair',
      instance: into,
      kind: 'restore-wanted',
      summary: `${backup} is to be restored into the new instance ${into}${moment}.`,
      risk: 'safe',
      evidence: [],
      details: { kind: 'restore-wanted', container: '', bad: [], notes: [] },
      problem: null,
    },
  ];
}
