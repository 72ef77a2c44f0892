import { z } from 'zod';
import { backupStates, type InstanceVerdict } from '../../backups/verdict.ts';
import { finding } from '../../remediation/schemas.ts';
import { scopes, type StoredToken } from '../contract.ts';
import { severityOf } from '../track-findings.ts';
import {
  type AlertView,
  type BackupProof,
  type DeliveryView,
  type EngineView,
  type InstanceSample,
  type InstanceView,
  jobNames,
  type JobView,
  type RoundView,
  severities,
  type TrackedFinding,
} from '../types.ts';

/**
 * The bodies of the rows of service.db. A row that does not fit, for example one of another version, is left out: it is
 * history. `satisfies` makes the compiler compare them with types.ts.
 */

const text = z.string().max(100_000);
const count = z.number().nullable();
const status = z.enum(['up', 'down', 'unknown']);

const verdict = z.object({
  instance: text,
  verdict: z.enum(backupStates),
  newestGood: text.nullable(),
  ageHours: count,
  rpoHours: z.number(),
  reason: text,
}) satisfies z.ZodType<InstanceVerdict>;

export const roundShape = z.object({
  id: text,
  kind: z.enum(['full', 'light', 'event']),
  startedAt: text,
  endedAt: text.nullable(),
  instances: z.array(text).nullable(),
  findings: z.number(),
  notLookedAt: z.number(),
  failure: text.nullable(),
}) satisfies z.ZodType<RoundView>;

export const instanceShape = z.object({
  engine: text,
  instance: text,
  status,
  reason: text.nullable(),
  since: text,
  checkedAt: text.nullable(),
  fullyCheckedAt: text.nullable(),
  container: text.nullable(),
  image: text.nullable(),
  serverVersion: text.nullable(),
  address: text.nullable(),
  memory: z.object({ usage: count, limit: count, worstCase: count }),
  connections: z.object({ used: z.number(), limit: z.number() }).nullable(),
  databaseBytes: count,
  checksumFailures: count,
  restarts: z.number(),
  oomKills: z.number(),
  suspended: z.object({ reason: text, since: text }).nullable(),
  notLookedAt: z.array(
    z.object({
      remediator: text,
      instance: text.nullable(),
      reason: text,
      lasting: z.literal(true).exactOptional(),
    }),
  ),
  clients: z.array(z.object({ client: text, reachable: z.boolean(), reason: text.nullable() })),
  backups: verdict.nullable(),
}) satisfies z.ZodType<InstanceView>;

export const engineShape = z.object({
  name: text,
  address: text,
  reachable: z.boolean(),
  reason: text.nullable(),
  checkedAt: text.nullable(),
  budget: z
    .object({
      memory: z.number(),
      reserve: z.number(),
      budget: z.number(),
      promised: z.number(),
      left: z.number(),
      within: z.boolean(),
      unlimited: z.array(text),
    })
    .nullable(),
}) satisfies z.ZodType<EngineView>;

const acknowledged = z.object({ by: text, at: text, comment: text }).nullable();

export const trackedShape = z.object({
  engine: text,
  finding: finding.omit({ details: true }),
  firstSeen: text,
  lastSeen: text,
  goneAt: text.nullable(),
  recurrences: z.number(),
  acknowledged,
  silencedUntil: text.nullable(),
});

/** Its severity is by the rules of this version. */
export const findingShape = trackedShape.transform((tracked) => ({
  ...tracked,
  severity: severityOf(tracked.finding),
})) satisfies z.ZodType<TrackedFinding>;

export const sampleShape = z.object({
  at: text,
  status,
  memoryUsage: count,
  memoryLimit: count,
  memoryWorstCase: count,
  connections: count,
  connectionsLimit: count,
  databaseBytes: count,
  findings: count,
}) satisfies z.ZodType<InstanceSample>;

export const proofShape = z.object({
  engine: text,
  instance: text,
  backup: text,
  at: text,
  level: z.number(),
  verdict: z.enum(['good', 'bad', 'unproven']),
  restoreSeconds: count,
}) satisfies z.ZodType<BackupProof>;

export const alertShape = z.object({
  fingerprint: text,
  name: text,
  severity: z.enum(severities),
  engine: text.nullable(),
  instance: text.nullable(),
  finding: text.nullable(),
  summary: text,
  state: z.enum(['firing', 'suppressed', 'resolved']),
  startsAt: text,
  endsAt: text.nullable(),
  acknowledged,
  silencedUntil: text.nullable(),
  sent: z.array(z.object({ channel: text, state: z.enum(['firing', 'resolved']), at: text })),
}) satisfies z.ZodType<AlertView>;

export const deliveryShape = z.object({
  at: text,
  channel: text,
  alerts: z.number(),
  attempts: z.number(),
  failure: text.nullable(),
}) satisfies z.ZodType<DeliveryView>;

export const jobShape = z.object({
  name: z.enum(jobNames),
  schedule: text,
  lastStartedAt: text.nullable(),
  lastEndedAt: text.nullable(),
  lastFailure: text.nullable(),
  nextAt: text.nullable(),
}) satisfies z.ZodType<JobView>;

export const tokenShape = z.object({
  name: text,
  scope: z.enum(scopes),
  hash: text,
  createdAt: text,
  lastUsedAt: text.nullable(),
  once: z.boolean(),
}) satisfies z.ZodType<StoredToken>;

/** The process that writes service.db. */
export const ownerShape = z.object({
  pid: z.number(),
  began: text,
  machine: text,
  startedAt: text,
  /** Where it listens; null if it does not. */
  address: text.nullable(),
  lookSeconds: z.number(),
});

export type ServiceOwner = z.output<typeof ownerShape>;
