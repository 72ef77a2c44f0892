import { z } from 'zod';
import {
  blockCauses,
  failureClasses,
  risks,
  verificationResults,
  type Decision,
  type Evidence,
  type Precondition,
  type Finding,
  type Plan,
  type Step,
  type Verification,
} from './contract.ts';

/**
 * Schemas for the contract's data when it comes from the journal of another process or from a plugin. The types of
 * contract.ts are the reference; `satisfies` makes the compiler compare the two.
 */

export const jsonValue = z.json();

const risk = z.enum(risks);

const text = z.string().max(100_000);

const evidence = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('message'), text, sqlstate: z.string().exactOptional() }),
  z.strictObject({ type: z.literal('docker'), object: text, field: text, value: jsonValue }),
  z.strictObject({ type: z.literal('log'), at: text, text }),
  z.strictObject({ type: z.literal('query'), sql: text, result: text }),
  z.strictObject({ type: z.literal('file'), path: text, text }),
  z.strictObject({ type: z.literal('probe'), name: text, result: text }),
]) satisfies z.ZodType<Evidence>;

export const finding = z.strictObject({
  id: z.string().min(1).max(500),
  remediator: z.string(),
  instance: z.string(),
  kind: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/),
  summary: text,
  risk,
  evidence: z.array(evidence).max(1_000),
  details: jsonValue,
  problem: z.string().nullable(),
  corruption: z.literal(true).exactOptional(),
  down: z.literal(true).exactOptional(),
}) satisfies z.ZodType<Finding>;

const expectation = z.discriminatedUnion('check', [
  z.strictObject({
    check: z.literal('container'),
    ref: z.string(),
    running: z.boolean().exactOptional(),
    name: z.string().exactOptional(),
    image: z.string().exactOptional(),
    startedAt: z.string().exactOptional(),
  }),
  z.strictObject({ check: z.literal('no-container'), ref: z.string() }),
  z.strictObject({ check: z.literal('volume-unused'), volumeKey: z.string(), except: z.array(z.string()) }),
  z.strictObject({ check: z.literal('not-serving'), ref: z.string() }),
  z.strictObject({ check: z.literal('port-free'), hostIp: z.string(), port: z.int() }),
  z.strictObject({ check: z.literal('file'), path: z.string(), sha256: z.string().nullable() }),
]) satisfies z.ZodType<Precondition>;

const step = z.strictObject({
  action: z.string(),
  params: jsonValue,
  why: text.exactOptional(),
  expects: z.array(expectation).exactOptional(),
  deadlineMs: z.int().positive().exactOptional(),
}) satisfies z.ZodType<Step>;

export const plan = z.strictObject({
  type: z.literal('plan'),
  remediator: z.string(),
  requested: z.literal(true).exactOptional(),
  finding,
  target: z.strictObject({ instance: z.string(), container: z.string(), volumes: z.array(z.string()).min(1) }),
  summary: text,
  done: text.exactOptional(),
  steps: z.array(step).min(1).max(200),
  cleanup: z.array(step).max(200),
  leftovers: z.array(z.strictObject({ object: text, why: text, command: text })),
  risk,
  downtime: z.strictObject({ seconds: z.number().nonnegative(), why: text }),
  approval: text.exactOptional(),
  unpredictable: z.array(text),
  checkAgain: z.literal(true).exactOptional(),
  final: z.literal(true).exactOptional(),
  undo: text,
  expected: jsonValue,
}) satisfies z.ZodType<Plan>;

export const verification = z.strictObject({
  result: z.enum(verificationResults),
  answeredAt: z.string().exactOptional(),
  checks: z.array(z.strictObject({ name: text, ok: z.boolean(), seen: text })),
}) satisfies z.ZodType<Verification>;

export const decision = z.strictObject({
  automation: z.enum(['auto', 'approve', 'human']),
  source: z.string(),
  reasons: z.array(z.string()),
  operations: z.array(z.string()),
  holds: z
    .array(
      z.strictObject({
        cause: z.enum(blockCauses),
        reason: z.string(),
      }),
    )
    .exactOptional(),
}) satisfies z.ZodType<Decision>;

export const failure = z.strictObject({
  class: z.enum(failureClasses),
  message: z.string(),
});
