import { openRemediation, type Remediation, type RemediationOptions } from '../../../src/app/remediation.ts';
import { volumePermissions } from '../../../src/remediation/remediators/volume-permissions/index.ts';
import type { Run } from '../run.ts';

/** The remediator alone, on the instances of one run. */
export function openVolumes(
  run: Pick<Run, 'folder' | 'prefix'>,
  settings: { readonly toNamedVolume?: readonly string[] } = {},
  options: Partial<RemediationOptions> = {},
): Promise<Remediation> {
  return openRemediation({
    folder: run.folder,
    remediators: [volumePermissions],
    config: { containers: `^${run.prefix}vrooli-postgres-(.+)$`, settings: { 'volume-permissions': settings } },
    ...options,
  });
}
