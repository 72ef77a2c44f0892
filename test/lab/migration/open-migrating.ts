import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type InstanceMigration, migrateInstances, type MigrateRequest } from '../../../src/remediation/migrating.ts';
import { openRemediation, type Remediation } from '../../../src/remediation/index.ts';
import type { Run } from '../run.ts';

/** The instances of one run, without a state file. */
export function openMigrating(run: Pick<Run, 'folder' | 'prefix'>): Promise<Remediation> {
  return openRemediation({
    folder: run.folder,
    config: { containers: `^${run.prefix}vrooli-(?:postgres|pgbouncer)-(.+)$` },
    onlyLooking: true,
  });
}

/** Migrates the one instance, from the folder `migrations` of the run. */
export async function migrateNow(
  run: Pick<Run, 'folder' | 'prefix'>,
  request: Partial<MigrateRequest> = {},
): Promise<InstanceMigration> {
  const remediation = await openMigrating(run);
  try {
    const folder = join(run.folder, 'migrations');
    const [ended] = await migrateInstances(remediation.session, { folder, instances: ['orders'], ...request });
    if (ended === undefined) throw new Error('no instance');
    return ended;
  } finally {
    remediation.close();
  }
}

/** The files of the folder `migrations`, written anew. */
export async function writeMigrations(run: Pick<Run, 'folder'>, files: Readonly<Record<string, string>>): Promise<void> {
  const folder = join(run.folder, 'migrations');
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}
