import { z } from 'zod';

/** What a plan needs of a finding. */
export const details = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('take-wanted'), name: z.string(), drill: z.boolean() }),
  /** `<instance>/<name>` each. */
  z.strictObject({ kind: z.literal('expire-wanted'), refs: z.array(z.string()) }),
]);
export type RequestDetails = z.output<typeof details>;

/** What must be true afterwards. */
export const expected = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('taken'), ref: z.string(), level: z.enum(['L3', 'L4']) }),
  z.strictObject({ kind: z.literal('expired'), refs: z.array(z.string()) }),
]);
export type RequestExpected = z.output<typeof expected>;
