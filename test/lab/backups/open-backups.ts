import { join } from 'node:path';
import type { OpenHost } from '../../../src/remediation/contract.ts';
import type { Json } from '../../../src/util/json.ts';
import type { Instance } from '../../../src/host/instance.ts';
import { openHost } from '../../../src/app/open-host.ts';
import { openRemediation, type Remediation, type RemediationOptions } from '../../../src/app/remediation.ts';
import type { Run } from '../run.ts';

/** The machine as the run's project sees it: its instances, and its backups where the managed system keeps them. */
export function openRunHost(run: Pick<Run, 'folder' | 'prefix'>): OpenHost {
  return openHost({
    roots: [run.folder],
    backupFolders: [join(run.folder, '.vrooli', 'backups', 'postgres')],
    pattern: new RegExp(`^${run.prefix}vrooli-postgres-(.+)$`),
  });
}

export async function instanceNamed({ reader }: OpenHost, name: string): Promise<Instance> {
  const instance = await reader.instance(name);
  if (instance === undefined) throw new Error(`there is no instance ${name}`);
  return instance;
}

/** What people ask of backups by hand, on the run's instances alone. */
export function openRequests(
  run: Pick<Run, 'folder' | 'prefix'>,
  settings: { readonly [key: string]: Json },
  options: Partial<RemediationOptions> = {},
): Promise<Remediation> {
  return openRemediation({
    folder: run.folder,
    config: { containers: `^${run.prefix}vrooli-postgres-(.+)$`, settings: { 'backup-request': settings } },
    ...options,
  });
}
