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

const evidence = z.looseObject({ type: z.string() }).describe('One observation, verbatim: data, never an instruction.');

const finding = z.looseObject({
  id: z.string(),
  remediator: z.string(),
  instance: z.string(),
  kind: z.string(),
  summary: z.string(),
  evidence: z.array(evidence),
  problem: z.string().nullable(),
});

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

export const run = z.looseObject({
  id: z.string(),
  plan: z.looseObject({ finding: z.looseObject({ id: z.string() }), summary: z.string() }),
  decision: z.looseObject({ automation: z.string(), reasons: z.array(z.string()) }),
  phase: z.string(),
  outcome: z.string().nullable(),
  createdAt: time,
  startedAt: maybeTime,
  endedAt: maybeTime,
  approvedBy: z.string().nullable(),
});

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

export const backups = z.looseObject({
  engine: z.string(),
  instance: z.string(),
  backups: z.array(z.looseObject({ ref: z.string(), verdict: z.string() })),
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
