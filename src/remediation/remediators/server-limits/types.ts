import { z } from 'zod';
import type { ReadonlyHost } from '../../contract.ts';
import { settingsOf } from '../../shared/server-settings.ts';

export const settings = z.strictObject({
  transactionAge: z
    .int()
    .min(1)
    .max(2_000_000_000)
    .default(1_000_000_000)
    .describe(
      'Age of the oldest transaction id of a database from which on it is a finding. Writes stop at about 2.1 billion.',
    ),
  slotMiB: z
    .int()
    .min(1)
    .default(1_024)
    .describe('MiB of WAL that a replication slot without a reader may keep before it is a finding.'),
  freePercent: z
    .number()
    .min(0)
    .max(50)
    .default(5)
    .describe(
      'Free part of the disk with the data below which it is a finding, if less than 20 GiB are free. 0: never.',
    ),
});

export type LimitSettings = z.output<typeof settings>;

/** @throws ProblemsError `bad-config`: invalid settings. */
export function limitSettings(host: Pick<ReadonlyHost, 'settings'>): LimitSettings {
  return settingsOf(host, 'server-limits', settings);
}

const holder = z.strictObject({
  kind: z.enum(['session', 'prepared', 'slot']),
  /** Process id, name of the prepared transaction, or name of the slot. */
  name: z.string(),
  age: z.number(),
});

/** What keeps old row versions, and with them old transaction ids, from being cleaned up. */
export type Holder = z.output<typeof holder>;

/** What the server answers about its limits, as JSON. */
export const serverState = z.strictObject({
  databases: z.array(z.strictObject({ name: z.string(), age: z.number(), members: z.number() })),
  /** The oldest first. */
  holders: z.array(holder),
  slots: z.array(
    z.strictObject({
      name: z.string(),
      active: z.boolean(),
      kept: z.number().nullable(),
      status: z.string().nullable(),
      type: z.enum(['physical', 'logical']),
      /** Where its WAL begins. It moves when its reader has read something. Null: it keeps no WAL. */
      begins: z.string().nullable(),
      /** Seconds since its reader has left; null: the server does not tell (before PostgreSQL 17). */
      unusedFor: z.number().nullable(),
    }),
  ),
  /** `max_slot_wal_keep_size` in bytes; null: no limit. */
  keepLimit: z.number().nullable(),
  /** How much WAL was written since when, for its rate. */
  wal: z.strictObject({ bytes: z.number(), seconds: z.number() }),
});

export type ServerState = z.output<typeof serverState>;

export const details = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('transaction-ids'),
    database: z.string(),
    holder: holder.nullable(),
  }),
  z.strictObject({
    kind: z.literal('slot-keeps-wal'),
    slots: z.array(z.string()),
    /** Bytes that the slot that keeps the most keeps. */
    kept: z.number(),
  }),
  z.strictObject({
    kind: z.literal('disk-fills'),
    /** What takes the space, the largest first, in words. */
    uses: z.array(z.string()),
  }),
]);

export type LimitDetails = z.output<typeof details>;

/** A limit of what slots may keep, as text with a unit; or slots that no longer exist. */
export const expected = z.union([
  z.strictObject({ keepLimit: z.string() }),
  z.strictObject({ dropped: z.array(z.string()).min(1) }),
]);

export type LimitExpected = z.output<typeof expected>;
