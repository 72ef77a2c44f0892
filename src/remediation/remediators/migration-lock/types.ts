import { z } from 'zod';
import type { ReadonlyHost } from '../../contract.ts';
import { settingsOf } from '../../shared/server-settings.ts';

export const settings = z.strictObject({
  roles: z
    .record(z.string(), z.string().min(1).max(63))
    .default({})
    .describe(
      'Roles that migrations run as: by instance, by `instance/database`, or `*` for all others. Default: the instance’s user, unless it is a superuser.',
    ),
  folders: z
    .record(z.string(), z.string().min(1))
    .default({})
    .describe(
      'Folders of migration files within the project: by instance for its own database, by `instance/database` for another. Default: `migrations`, for databases whose ledger lists one of its files.',
    ),
});

/** `remediation.settings.migration-lock` of the config. */
export type MigrationSettings = z.output<typeof settings>;

/** @throws ProblemsError `bad-config`: invalid settings. */
export function migrationSettings(host: Pick<ReadonlyHost, 'settings'>): MigrationSettings {
  return settingsOf(host, 'migration-lock', settings);
}

/** The role that the config names for migrations of a database; undefined if it names none. */
export function migrationRole(
  host: Pick<ReadonlyHost, 'settings'>,
  instance: string,
  database: string,
): string | undefined {
  const roles = new Map(Object.entries(migrationSettings(host).roles));
  return roles.get(`${instance}/${database}`) ?? roles.get(instance) ?? roles.get('*');
}

/** Details of a finding for `plan`, and of a plan for `verify`. Another process may have written both. */

const conditionKinds = [
  'invalid-index',
  'unfinished-migration',
  'failed-migration',
  'lost-migration',
  'unrecorded-migration',
  'ledger-conflict',
  /** A failure that another migration tool has noted, and a lock that it has left. */
  'other-tool-failed',
  'other-tool-lock',
] as const;

export type ConditionKind = (typeof conditionKinds)[number];

export const details = z.strictObject({
  /** The container's id. */
  container: z.string(),
  database: z.string(),
  kind: z.enum(conditionKinds),
  /** Version of the file, or the name of an index that no file creates. */
  subject: z.string(),
});

export type MigrationDetails = z.output<typeof details>;

export const expected = z.strictObject({
  database: z.string(),
  /** The version that the ledger must list. Null: nothing is applied. */
  version: z.string().nullable(),
  /** Qualified and quoted: must be valid, or, without a version, dropped. */
  index: z.string().nullable(),
});

export type MigrationExpected = z.output<typeof expected>;
