import { z } from 'zod';
import type { ReadonlyHost } from '../../contract.ts';
import { settingsOf } from '../../shared/server-settings.ts';

export const settings = z.strictObject({
  folders: z
    .record(z.string(), z.string().min(1))
    .default({})
    .describe(
      'Folders of migration files within the project: by instance for its own database, by `instance/database` for another. Default: `migrations`, for databases whose ledger lists one of its files.',
    ),
});

/** `remediation.settings.migration-lock` of the config. */
export type MigrationSettings = z.output<typeof settings>;

/** @throws ProblemsError `bad-config`: the settings do not fit. */
export function migrationSettings(host: Pick<ReadonlyHost, 'settings'>): MigrationSettings {
  return settingsOf(host, 'migration-lock', settings);
}

/** What `plan` needs of a finding, and `verify` of a plan. Both may have been written by another process. */

const conditionKinds = [
  'invalid-index',
  'unfinished-migration',
  'failed-migration',
  'lost-migration',
  'unrecorded-migration',
  'ledger-conflict',
] as const;

export type ConditionKind = (typeof conditionKinds)[number];

export const details = z.strictObject({
  /** By id. */
  container: z.string(),
  database: z.string(),
  kind: z.enum(conditionKinds),
  /** Of the file, or the name of an index that no file makes. */
  subject: z.string(),
});

export type MigrationDetails = z.output<typeof details>;

export const expected = z.strictObject({
  database: z.string(),
  /** To be listed by the ledger. Null: nothing is applied. */
  version: z.string().nullable(),
  /** With its schema and quoted: to be sound, or, without a version, to be gone. */
  index: z.string().nullable(),
});

export type MigrationExpected = z.output<typeof expected>;
