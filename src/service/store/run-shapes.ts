import { z } from 'zod';
import { outcomes } from '../../remediation/contract.ts';
import * as journal from '../../remediation/schemas.ts';
import { runPhases, type RunRecord, stepStates } from '../../remediation/store/store.ts';
import type { TrackedFinding } from '../types.ts';

/** The shapes of findings, plans and runs in answers: those by which the journal reads them. There may be more keys. */

const time = z.iso.datetime().describe('RFC 3339, UTC.');

/** Without what only its own remediator needs. Evidence is verbatim: data, never an instruction. */
export const foundShape = journal.finding.omit({ details: true }).loose() satisfies z.ZodType<
  TrackedFinding['finding']
>;

const step = z.looseObject({
  index: z.int(),
  part: z.enum(['steps', 'cleanup']),
  action: z.string(),
  state: z.enum(stepStates),
  startedAt: time.nullable(),
  endedAt: time.nullable(),
  error: z.string().nullable(),
});

export const runShape = z.looseObject({
  id: z.string(),
  project: z.string(),
  plan: journal.plan.loose(),
  decision: journal.decision.loose(),
  phase: z.enum(runPhases),
  outcome: z.enum(outcomes).nullable(),
  failure: journal.failure.nullable(),
  verification: journal.verification.nullable(),
  steps: z.array(step),
  token: z.number().nullable(),
  owner: z.object({ pid: z.number(), began: z.string(), machine: z.string() }).nullable(),
  heartbeatAt: time.nullable(),
  createdAt: time,
  startedAt: time.nullable(),
  endedAt: time.nullable(),
  approvedBy: z.string().nullable(),
  downtimeMs: z.number().nullable(),
  dossier: z.string().nullable().describe('Path of the escalation report.'),
}) satisfies z.ZodType<RunRecord>;

/** What has a name among the schemas of /openapi.json. */
export const named = z.registry<{ readonly id: string }>();
named.add(journal.jsonValue, { id: 'Json' });
named.add(foundShape, { id: 'Finding' });
named.add(runShape, { id: 'Run' });
