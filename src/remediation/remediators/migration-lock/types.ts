import { z } from 'zod';

/** What `plan` needs of a finding, and `verify` of a plan. Both may have been written by another process. */

const troubleKinds = [
  'invalid-index',
  'unfinished-migration',
  'failed-migration',
  'lost-migration',
  'unrecorded-migration',
  'ledger-conflict',
] as const;

export type TroubleKind = (typeof troubleKinds)[number];

export const details = z.strictObject({
  /** By id. */
  container: z.string(),
  database: z.string(),
  kind: z.enum(troubleKinds),
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
