import { openRemediation, type Remediation, type RemediationOptions } from '../../../src/remediation/index.ts';
import { connectionPool } from '../../../src/remediation/remediators/connection-pool/index.ts';
import type { Json } from '../../../src/remediation/contract.ts';
import type { Run } from '../run.ts';

/** The remediator alone, on the instances of one run. */
export function openPools(
  run: Pick<Run, 'folder' | 'prefix'>,
  settings: { readonly [key: string]: Json } = {},
  options: Partial<RemediationOptions> = {},
): Promise<Remediation> {
  return openRemediation({
    folder: run.folder,
    remediators: [connectionPool],
    config: { containers: `^${run.prefix}vrooli-postgres-(.+)$`, settings: { 'connection-pool': settings } },
    ...options,
  });
}
