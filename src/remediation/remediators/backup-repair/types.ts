import { z } from 'zod';

const findingKinds = [
  'source-damaged',
  'bad-backup',
  'no-good-backup',
  'archiving-failing',
  'archiving-wanted',
  'restore-wanted',
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

/** What a plan needs of a finding. */
export const details = z.strictObject({
  kind: z.enum(findingKinds),
  /** The container's id; empty where there is none. */
  container: z.string(),
  bad: z.array(badBackup),
  /** Of the source, of the age of backups: sentences that a plan repeats. */
  notes: z.array(z.string()),
});
export type BackupDetails = z.output<typeof details>;

/** What must be true afterwards. */
export const expected = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('backup'),
    quarantined: z.array(z.string()),
    /** `<instance>/<name>`: what was taken. */
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
