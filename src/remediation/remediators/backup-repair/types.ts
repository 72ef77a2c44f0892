import { z } from 'zod';
import type { ReadonlyHost } from '../../contract.ts';
import { settingsOf } from '../../shared/server-settings.ts';

const instant = z.iso.datetime({ offset: true });

export const settings = z.strictObject({
  rpoHours: z
    .number()
    .positive()
    .exactOptional()
    .describe('How old the newest backup that was restored once (L4) may be, in hours. Default: 26.'),
  expect: z
    .union([z.boolean(), z.array(z.string()).max(1_000)])
    .default(false)
    .describe(
      'Whether an instance without any backup is a finding: all of them, or those named. `rpoHours` implies all.',
    ),
  newest: z.int().positive().default(10).describe('How many of the newest backups of an instance are checked.'),
  readMegabytes: z
    .number()
    .nonnegative()
    .default(1_000)
    .describe('How much is read of backups of one instance that were never verified.'),
  amcheckMegabytes: z
    .number()
    .nonnegative()
    .default(1_000)
    .describe('pg_amcheck runs if the extension is installed and the databases together are no larger than this.'),
  sourceSeconds: z.number().positive().default(60).describe('How long one reading of a whole server may take.'),
  lookedAt: z
    .record(z.string(), instant)
    .default({})
    .describe('By instance: when you checked it. Signs of damage from before that time are ignored.'),
  archive: z.array(z.string()).max(1_000).default([]).describe('Instances that should archive their WAL continuously.'),
});

/** `remediation.settings.backup-repair` of the config. */
export type BackupSettings = z.output<typeof settings>;

/** @throws ProblemsError `bad-config`: invalid settings. */
export function backupSettings(host: Pick<ReadonlyHost, 'settings'>): BackupSettings {
  return settingsOf(host, 'backup-repair', settings);
}

const findingKinds = [
  'source-damaged',
  'bad-backup',
  'no-good-backup',
  'archiving-failing',
  'archiving-wanted',
] as const;

const badBackup = z.strictObject({
  /** `<instance>/<name>`. */
  ref: z.string(),
  cause: z.string(),
  /** The level that failed. */
  level: z.string(),
  says: z.string(),
});

export type BadBackup = z.output<typeof badBackup>;

/** Details of a finding for `plan`. */
export const details = z.strictObject({
  kind: z.enum(findingKinds),
  /** The container's id; empty if there is none. */
  container: z.string(),
  bad: z.array(badBackup),
  /** Sentences about the database or the age of backups, which the plan repeats. */
  notes: z.array(z.string()),
});

export type BackupDetails = z.output<typeof details>;

/** What must be true after the run. */
export const expected = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('backup'),
    quarantined: z.array(z.string()),
    /** The new backup: `<instance>/<name>`. */
    taken: z.string(),
    systemIdentifier: z.string().nullable(),
  }),
  z.strictObject({
    kind: z.literal('archiving'),
    directory: z.string(),
    systemIdentifier: z.string().nullable(),
  }),
  z.strictObject({
    kind: z.literal('restored'),
    /** Its name. */
    container: z.string(),
    volume: z.string(),
    systemIdentifier: z.string().nullable(),
    port: z.int(),
  }),
]);

export type BackupExpected = z.output<typeof expected>;
