import type { Json, Remediation, RemediationOptions, Remediator } from '../../../src/remediation/index.ts';
import { openRemediation } from '../../../src/remediation/index.ts';
import { backupRepair } from '../../../src/remediation/remediators/backup-repair/index.ts';
import type { Run } from '../run.ts';

/** The remediator alone, or with others, on the instances and backups of one run. */
export function openBackups(
  run: Pick<Run, 'folder' | 'prefix'>,
  settings: { readonly [key: string]: Json } = {},
  { others = [], ...options }: Partial<RemediationOptions> & { readonly others?: readonly Remediator[] } = {},
): Promise<Remediation> {
  return openRemediation({
    folder: run.folder,
    remediators: [backupRepair, ...others],
    config: { containers: `^${run.prefix}vrooli-postgres-(.+)$`, settings: { 'backup-repair': settings } },
    ...options,
  });
}
