import { z } from 'zod';
import { liftInstance, noticeAlert, noticeFinding, pauseRepairs } from '../operations/decisions.ts';
import { digestOf } from '../operations/plans.ts';
import { reportAttempt } from '../operations/registry.ts';
import {
  approveRun,
  refuseRun,
  requestBackup,
  requestRemediation,
  requestVerification,
  rollBackRun,
} from '../operations/repairs.ts';
import { findRun } from '../operations/runs.ts';
import * as shapes from './answers.ts';
import { runShape } from '../store/run-shapes.ts';
import { refusal } from './refusals.ts';
import { bounded, engine, route, type Route } from './route.ts';

const id = bounded(100);
const reason = bounded(1_000);
const until = z.iso.datetime().nullable().describe('RFC 3339, UTC; null ends the silence.');

/** What changes something. None of these routes exists with `--read-only`. */
export const changeRoutes: readonly Route[] = [
  route('POST /rounds', {
    scope: 'request',
    about: 'Starts a full round, or joins the one that waits.',
    status: 202,
    input: z.strictObject({ instances: z.array(bounded(200)).max(200).optional() }),
    answer: shapes.round,
    handler: ({ service }, { instances }) => service.requestRound(instances === undefined ? {} : { instances }),
  }),
  route('POST /remediations', {
    scope: 'request',
    about:
      'Asks for the repair of a finding. The policy decides whether it runs, waits for approval or is left to you. A finding ' +
      'whose run has not ended gets no second one.',
    status: 202,
    input: z.strictObject({ finding: bounded(500), reason, engine: engine.optional() }),
    answer: z.looseObject({ run: runShape.nullable(), refusal: z.string().nullable() }),
    handler: (context, { finding, reason: why, engine: ofFinding }) =>
      requestRemediation(context, {
        finding,
        reason: why,
        ...(ofFinding === undefined ? {} : { engine: ofFinding }),
      }),
  }),
  route('POST /runs/:id/approve', {
    scope: 'approve',
    about: 'Approves a run that waits, if its plan is the one that was shown.',
    status: 202,
    input: z.strictObject({
      id,
      planDigest: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .describe('`digest` of GET /runs/:id.'),
      despite: z
        .array(z.enum(['damage', 'failures']))
        .max(2)
        .default([])
        .describe('What the approval overrules.'),
    }),
    answer: shapes.startedRun,
    async handler(context, { id: run, planDigest, despite }) {
      const { run: shown } = await findRun(context, run);
      if (digestOf(shown.plan) !== planDigest)
        throw refusal(409, 'plan-changed', `The plan of run ${run} is not the one that was shown.`, 'Read it again.');
      return { run: await approveRun(context, run, despite) };
    },
  }),
  route('POST /runs/:id/refuse', {
    scope: 'approve',
    about: 'Ends a run that waits, without doing anything.',
    input: z.strictObject({ id, reason }),
    answer: shapes.startedRun,
    handler: async (context, { id: run, reason: why }) => ({ run: await refuseRun(context, run, why) }),
  }),
  route('POST /runs/:id/rollback', {
    scope: 'approve',
    about: 'Undoes what a run has changed.',
    status: 202,
    input: z.strictObject({ id }),
    answer: shapes.startedRun,
    handler: async (context, { id: run }) => ({ run: await rollBackRun(context, run) }),
  }),
  route('POST /instances/:engine/:name/lift', {
    scope: 'approve',
    about: 'Lets repairs run on a suspended instance again, after you have checked it.',
    input: z.strictObject({ engine: bounded(100), name: bounded(200) }),
    answer: z.looseObject({ lifted: z.looseObject({ reason: z.string() }).nullable() }),
    handler: (context, { engine: ofInstance, name }) => liftInstance(context, { engine: ofInstance, instance: name }),
  }),
  route('POST /pause', {
    scope: 'approve',
    about: 'Pauses all repairs, or ends the pause.',
    input: z.strictObject({ paused: z.boolean(), reason: reason.default('paused') }),
    answer: z.looseObject({ paused: z.string().nullable() }),
    handler: pauseRepairs,
  }),
  route('POST /backups', {
    scope: 'request',
    about: 'Takes a backup of a running instance, and proves it by restoring a copy.',
    status: 202,
    input: z.strictObject({ instance: bounded(200), engine: engine.optional() }),
    answer: shapes.startedRun,
    handler: async (context, { instance, engine: asked }) => ({
      run: await requestBackup(context, { instance, ...(asked === undefined ? {} : { engine: asked }) }),
    }),
  }),
  route('POST /backups/verify', {
    scope: 'request',
    about: 'Checks a backup up to L3. The level it reaches appears among the proofs.',
    status: 202,
    input: z.strictObject({ backup: bounded(500), engine: engine.optional() }),
    answer: z.looseObject({ backup: z.string() }),
    async handler(context, { backup, engine: asked }) {
      await requestVerification(context, { backup, ...(asked === undefined ? {} : { engine: asked }) });
      return { backup };
    },
  }),
  route('POST /alerts/:fingerprint/ack', {
    scope: 'request',
    about: 'Says that someone knows of an alert: it is not repeated.',
    input: z.strictObject({ fingerprint: bounded(200), comment: reason }),
    answer: shapes.alert,
    handler: (context, { fingerprint, comment }) => noticeAlert(context, fingerprint, { comment }),
  }),
  route('POST /alerts/:fingerprint/silence', {
    scope: 'request',
    about: 'Silences an alert until a time.',
    input: z.strictObject({ fingerprint: bounded(200), until }),
    answer: shapes.alert,
    handler: (context, { fingerprint, until: end }) => noticeAlert(context, fingerprint, { until: end }),
  }),
  route('POST /findings/ack', {
    scope: 'request',
    about: 'Says that someone knows of a finding.',
    input: z.strictObject({ finding: bounded(500), comment: reason, engine: engine.optional() }),
    answer: shapes.tracked,
    handler: (context, { finding, comment, engine: of }) => noticeFinding(context, finding, { comment }, of),
  }),
  route('POST /findings/silence', {
    scope: 'request',
    about: 'Silences a finding until a time.',
    input: z.strictObject({ finding: bounded(500), until, engine: engine.optional() }),
    answer: shapes.tracked,
    handler: (context, { finding, until: end, engine: of }) => noticeFinding(context, finding, { until: end }, of),
  }),
  route('POST /problems/:id/outcomes', {
    scope: 'request',
    about: 'Writes an attempt at a problem into its registry.',
    input: z.strictObject({
      id: bounded(500),
      what: bounded(500),
      worked: z.boolean(),
      evidence: z.string().max(2_000).optional(),
    }),
    answer: z.looseObject({ written: z.boolean() }),
    handler: (context, { id: problem, ...attempt }) => reportAttempt(context, problem, attempt),
  }),
];
