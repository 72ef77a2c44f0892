import { openRemediation, type Remediation, type RemediationOptions } from '../../../src/app/remediation.ts';
import { migrationLock } from '../../../src/remediation/remediators/migration-lock/index.ts';
import type { Run } from '../run.ts';

/** The remediator alone, on the instances of one run. */
export function openMigrations(
  run: Pick<Run, 'folder' | 'prefix'>,
  settings: { readonly folders?: Readonly<Record<string, string>> } = {},
  options: Partial<RemediationOptions> = {},
): Promise<Remediation> {
  return openRemediation({
    folder: run.folder,
    remediators: [migrationLock],
    config: { containers: `^${run.prefix}vrooli-postgres-(.+)$`, settings: { 'migration-lock': settings } },
    ...options,
  });
}
