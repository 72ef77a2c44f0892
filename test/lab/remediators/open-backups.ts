import type { TestContext } from 'vitest';
import {
  type Json,
  openRemediation,
  type Remediation,
  type RemediationOptions,
  type Remediator,
} from '../../../src/app/remediation.ts';
import { backupRepair } from '../../../src/remediation/remediators/backup-repair/index.ts';
import type { Run } from '../run.ts';
import { createRun, type TestRunOptions } from '../support.ts';

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

/** A run whose repairs make volumes: no program ever removes those, so they go when the run has gone. */
export async function createRunWithVolumes(
  test: Pick<TestContext, 'onTestFinished' | 'task'>,
  options: TestRunOptions = {},
): Promise<Run> {
  const made: Run[] = [];
  // Registered first, and so called last: after the containers are gone.
  test.onTestFinished(async () => {
    for (const run of made) await removeVolumes(run);
  });
  const run = await createRun(test, options);
  made.push(run);
  return run;
}

async function removeVolumes({ docker, prefix }: Pick<Run, 'docker' | 'prefix'>): Promise<void> {
  for (const { Name } of (await docker.listVolumes()).Volumes)
    if (Name.startsWith(prefix))
      await docker
        .getVolume(Name)
        .remove()
        .catch(() => undefined);
}
