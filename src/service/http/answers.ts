import { z } from 'zod';
import {
  alertShape,
  deliveryShape,
  engineShape,
  instanceShape,
  jobShape,
  proofShape,
  roundShape,
  trackedShape,
} from '../store/shapes.ts';
import { severities } from '../types.ts';
import { foundShape as finding, runShape as run } from '../store/run-shapes.ts';

/**
 * The shapes of the answers, for /openapi.json and the documentation: the keys that programs may rely on. There may be more:
 * src/service/api.ts has the types. What service.db keeps has the shapes of its rows.
 */

const time = z.iso.datetime().describe('RFC 3339, UTC.');
const maybeTime = time.nullable();

export const session = z.looseObject({
  name: z.string(),
  scope: z.enum(['read', 'request', 'approve']),
  readOnly: z.boolean(),
});

export const instance = instanceShape.extend({ since: time, checkedAt: maybeTime, fullyCheckedAt: maybeTime }).loose();

export const tracked = trackedShape
  .extend({
    finding,
    severity: z.enum(severities),
    firstSeen: time,
    lastSeen: time,
    goneAt: maybeTime,
    silencedUntil: maybeTime,
  })
  .loose();

export const startedRun = z.looseObject({ run });

const steps = z.array(z.looseObject({ what: z.string(), undo: z.string().nullable(), downtime: z.boolean() }));

export const plan = z.looseObject({
  finding,
  steps,
  downtime: z.string().nullable(),
  holds: z.array(z.string()),
  refusal: z.looseObject({ reason: z.string(), advice: z.string() }).nullable(),
  digest: z.string().nullable(),
});

export const runDetails = z.looseObject({
  run,
  digest: z.string(),
  steps,
  timeline: z.array(
    z.looseObject({
      at: time,
      what: z.string(),
      seconds: z.number().nullable(),
      state: z.enum(['done', 'running', 'failed', 'undone']),
    }),
  ),
  despite: z.array(z.enum(['damage', 'failures'])),
  verification: z.array(z.looseObject({ what: z.string(), passed: z.boolean() })),
  dossier: z.string().nullable(),
});

export const round = roundShape.extend({ startedAt: time, endedAt: maybeTime }).loose();

export const alert = alertShape.extend({ startsAt: time, endsAt: maybeTime, silencedUntil: maybeTime }).loose();

export const job = jobShape.extend({ lastStartedAt: maybeTime, lastEndedAt: maybeTime, nextAt: maybeTime }).loose();

export const delivery = deliveryShape.extend({ at: time }).loose();

const backup = z.looseObject({
  ref: z.string(),
  instance: z.string(),
  name: z.string(),
  folder: z.string(),
  state: z.string(),
  createdAt: time,
  bytes: z.number(),
  files: z.number(),
  postgresVersion: z.string().nullable(),
  verdict: z.enum(['good', 'bad', 'unproven']),
  reached: z.string().nullable().describe('L0 to L6.'),
  hasFingerprints: z.boolean(),
  quarantine: z.looseObject({ at: time, reason: z.string() }).nullable(),
  notes: z.array(z.string()),
});

export const backups = z.looseObject({
  engine: z.string(),
  instance: z.string(),
  backups: z.array(backup),
  repositories: z.array(z.looseObject({ tool: z.string(), path: z.string(), names: z.array(z.string()) })),
  verdict: instanceShape.shape.backups.unwrap(),
  lastDrill: z.looseObject({ at: time, passed: z.boolean(), seconds: z.number() }).nullable(),
});

export const proof = proofShape.extend({ at: time }).loose();

export const view = z.looseObject({
  at: time,
  version: z.string(),
  startedAt: time,
  state: z.enum(['starting', 'running', 'stopping']),
  readOnly: z.boolean(),
  paused: z.string().nullable(),
  engines: z.array(engineShape.extend({ checkedAt: maybeTime }).loose()),
  instances: z.array(instance),
  unchecked: z.array(z.looseObject({ engine: z.string(), instance: z.string(), reason: z.string() })),
  findings: z.array(tracked),
  openRuns: z.array(run),
  backups: z.array(backups),
  jobs: z.array(job),
  alerts: z.array(alert),
  deliveries: z.array(delivery),
  lastRound: round.nullable(),
  runningRound: round.nullable(),
  lastLookAt: maybeTime,
  registry: z.looseObject({
    problems: z.array(
      z.looseObject({ component: z.string(), severity: z.string(), status: z.string(), count: z.number() }),
    ),
    tasks: z.array(z.looseObject({ kind: z.string(), band: z.string(), count: z.number() })),
  }),
  creations: z.looseObject({ started: z.number(), failed: z.number() }),
});

/** The output of a command: schemas/ has its schema, where there is one. */
export function commandOutput(command: string): z.ZodType {
  return z.looseObject({ schemaVersion: z.literal(1) }).describe(`As \`${command} --json\`.`);
}
