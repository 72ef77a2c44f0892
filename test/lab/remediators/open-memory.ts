import { openRemediation, type Remediation, type RemediationOptions } from '../../../src/app/remediation.ts';
import { memory } from '../../../src/remediation/remediators/memory/index.ts';
import type { Run } from '../run.ts';

/** The remediator alone, on the instances of one run, with a load as short as it can be. */
export function openMemory(
  run: Pick<Run, 'folder' | 'prefix'>,
  settings: { readonly raise?: 'never'; readonly noLimit?: 'always' } = {},
  options: Partial<RemediationOptions> = {},
): Promise<Remediation> {
  return openRemediation({
    folder: run.folder,
    remediators: [memory],
    config: {
      containers: `^${run.prefix}vrooli-postgres-(.+)$`,
      settings: { memory: { loadSeconds: 0, ...settings } },
    },
    ...options,
  });
}
