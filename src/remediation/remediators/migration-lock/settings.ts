import { z } from 'zod';
import type { ReadonlyHost } from '../../contract.ts';
import { settingsOf } from '../../instances/settings.ts';

/** `remediation.settings.migration-lock` of the config. */
export interface MigrationSettings {
  /**
   * Folders of migration files, within the project: by instance for its own database, by `instance/database` for
   * another. Default: `migrations` in the project, for databases whose ledger lists one of its files.
   */
  readonly folders: Readonly<Record<string, string>>;
}

const settings = z.strictObject({ folders: z.record(z.string(), z.string().min(1)).default({}) });

/** @throws ProblemsError `bad-config`: the settings do not fit. */
export function migrationSettings(host: Pick<ReadonlyHost, 'settings'>): MigrationSettings {
  return settingsOf(host, 'migration-lock', settings);
}
