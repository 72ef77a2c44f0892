import { z } from 'zod';

/**
 * The shapes of the answers, for /openapi.json and the documentation: the keys that programs may rely on. There may be more:
 * src/service/api.ts has the types.
 */

const time = z.iso.datetime().describe('RFC 3339, UTC.');
const maybeTime = time.nullable();

export const session = z.looseObject({
  name: z.string(),
  scope: z.enum(['read', 'request', 'approve']),
  readOnly: z.boolean(),
});

export const instance = z.looseObject({
  engine: z.string(),
  instance: z.string(),
  status: z.enum(['up', 'down', 'unknown']),
  reason: z.string().nullable(),
  since: time,
  checkedAt: maybeTime,
});

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

export const tracked = z.looseObject({
  engine: z.string(),
  finding,
  firstSeen: time,
  lastSeen: time,
  goneAt: maybeTime,
  acknowledged: z.looseObject({ by: z.string(), at: time, comment: z.string() }).nullable(),
  silencedUntil: maybeTime,
});

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

export const round = z.looseObject({
  id: z.string(),
  kind: z.enum(['full', 'light', 'event']),
  startedAt: time,
  endedAt: maybeTime,
  findings: z.number(),
  notLookedAt: z.number(),
  failure: z.string().nullable(),
});

export const alert = z.looseObject({
  fingerprint: z.string(),
  name: z.string(),
  severity: z.enum(['critical', 'high', 'medium', 'low']),
  summary: z.string(),
  state: z.enum(['firing', 'suppressed', 'resolved']),
  startsAt: time,
  endsAt: maybeTime,
});

export const backups = z.looseObject({
  engine: z.string(),
  instance: z.string(),
  backups: z.array(z.looseObject({ ref: z.string(), verdict: z.string() })),
});

export const proof = z.looseObject({ backup: z.string(), at: time, level: z.number(), verdict: z.string() });

export const view = z.looseObject({
  at: time,
  version: z.string(),
  state: z.enum(['starting', 'running', 'stopping']),
  instances: z.array(instance),
  findings: z.array(tracked),
  openRuns: z.array(run),
  alerts: z.array(alert),
});

/** The output of a command: schemas/ has its schema, where there is one. */
export function commandOutput(command: string): z.ZodType {
  return z.looseObject({ schemaVersion: z.literal(1) }).describe(`As \`${command} --json\`.`);
}
