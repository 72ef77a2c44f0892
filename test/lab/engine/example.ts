import { cp, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { openHost } from '../../../src/app/open-host.ts';
import { openRemediation, type Remediation, type RemediationOptions } from '../../../src/app/remediation.ts';

const root = join(import.meta.dirname, '..', '..', '..');

/** A remediation of a run's instances by the example of a third party, loaded from the project as a config would name it. */
export async function openExample(
  { folder, prefix }: { readonly folder: string; readonly prefix: string },
  options: Partial<RemediationOptions> = {},
): Promise<Remediation> {
  await cp(join(root, 'examples', 'plugin'), join(folder, 'plugin'), { recursive: true });
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules')).catch(() => undefined);
  return openRemediation({
    folder,
    plugins: ['./plugin/index.ts'],
    remediators: [],
    host: openHost({
      roots: [folder],
      instanceFolders: [join(folder, 'resources/postgres/instances')],
      pattern: new RegExp(`^${prefix}vrooli-postgres-(.+)$`),
    }),
    ...options,
  });
}
