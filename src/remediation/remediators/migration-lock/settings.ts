import { z } from 'zod';
import type { ReadonlyHost } from '../../contract.ts';

/** `remediation.settings.migration-lock` of the config. */
export interface MigrationSettings {
  /**
   * Folders of migration files, within the project: by instance for its own database, by `instance/database` for
   * another. Default: `migrations` in the project, for databases whose ledger lists one of its files.
   */
  readonly folders: Readonly<Record<string, string>>;
}

const settings = z.strictObject({ folders: z.record(z.string(), z.string().min(1)).default({}) });

/** Throws a ZodError where the config does not fit; the engine says so under this remediator's name. */
export function migrationSettings(host: Pick<ReadonlyHost, 'settings'>): MigrationSettings {
  return settings.parse(host.settings['migration-lock'] ?? {});
}
