import { openRemediation, type Remediation, type RemediationOptions } from '../../../src/app/remediation.ts';
import { connectionPool } from '../../../src/remediation/remediators/connection-pool/index.ts';
import type { Json } from '../../../src/remediation/contract.ts';
import type { Run } from '../run.ts';

/** For many runs one after the other: what is stuck for a second is a leak, and two looks are enough. */
export const quick = { samples: 2, secondsBetween: 0.3, stuckSeconds: 1 } as const;

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
