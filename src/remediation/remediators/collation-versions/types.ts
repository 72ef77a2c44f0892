import { z } from 'zod';

/** One database whose order of text may have changed. Everything comes from the server. */
export const details = z.strictObject({
  /** The container's id. */
  container: z.string(),
  /** Databases with a collation of another version. */
  databases: z.array(z.string()),
});

export type CollationDetails = z.output<typeof details>;

export const expected = z.strictObject({
  databases: z.array(
    z.strictObject({
      name: z.string(),
      /** Rebuilt indexes: qualified, quoted if needed, with the oids that they had before. */
      indexes: z.array(z.strictObject({ oid: z.string(), name: z.string() })),
    }),
  ),
});

export type CollationExpected = z.output<typeof expected>;

const version = z.strictObject({
  name: z.string(),
  /** The version that everything was sorted by. */
  recorded: z.string(),
  /** The version of the library that the server uses now; null: it does not tell. */
  actual: z.string().nullable(),
});

/** A database or a collation, with both versions. */
export type Versions = z.output<typeof version>;

/** What the server says about all databases that allow connections. */
export const clusterState = z.strictObject({
  recovers: z.boolean(),
  databases: z.array(version.extend({ recorded: z.string().nullable() })),
  /** Whether any collation of the instance's own database has another version, used or not. */
  namedDiffer: z.boolean(),
});

export type ClusterState = z.output<typeof clusterState>;

const index = z.strictObject({
  oid: z.string(),
  name: z.string(),
  bytes: z.number(),
  /** It belongs to an exclusion constraint, and cannot be rebuilt while the table is written. */
  exclusion: z.boolean(),
});

/** What depends on collations of another version, in one database. */
export const databaseState = z.strictObject({
  /** Named collations that an index uses. */
  collations: z.array(version),
  indexes: z.array(index),
  /** Tables partitioned by ranges of text: their rows may be in the wrong partition. */
  partitioned: z.array(z.string()),
});

export type DatabaseState = z.output<typeof databaseState>;

/** A database whose own collation has another version (`own`), or whose indexes use one that has. */
export interface Affected extends DatabaseState {
  readonly name: string;
  readonly own: Versions | undefined;
}
