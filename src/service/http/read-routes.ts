import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import { inEngine } from '../operations/context.ts';
import { policyLines } from '../operations/decisions.ts';
import { planFor } from '../operations/plans.ts';
import {
  explanationAnswer,
  fleetAnswer,
  forecastAnswer,
  preflightAnswer,
  recordAnswer,
  scanAnswer,
  statsAnswer,
  tasksAnswer,
} from '../operations/registry.ts';
import { listRuns, runAnswer } from '../operations/runs.ts';
import * as shapes from './answers.ts';
import { runShape } from '../store/run-shapes.ts';
import { bounded, engine, none, route, type Route } from './route.ts';

const dayMs = 86_400_000;
const mostListed = 1_000;
const listLength = z.coerce.number().int().min(1).max(mostListed).default(100).describe('At most this many.');
const since = z.iso.datetime().describe('RFC 3339, UTC.');
const ofEngine = z.strictObject({ engine: engine.optional() });

/** What anyone who is signed in may read. None of it changes an instance. */
export const readRoutes: readonly Route[] = [
  route('GET /session', {
    scope: 'read',
    about: 'Who asks, and what they may do.',
    input: none,
    answer: shapes.session,
    handler: ({ caller, readOnly }) => ({ name: caller.name, scope: caller.scope, readOnly }),
  }),
  route('GET /view', {
    scope: 'read',
    about: 'Everything that the service knows now.',
    input: none,
    answer: shapes.view,
    handler: ({ service, readOnly }) => ({ ...service.view(), readOnly }),
  }),
  route('GET /instances', {
    scope: 'read',
    about: 'Every instance that is expected or was ever seen.',
    input: none,
    answer: z.array(shapes.instance),
    handler: ({ service }) => service.view().instances,
  }),
  route('GET /instances/:engine/:name', {
    scope: 'read',
    about: 'One instance, with its samples of the last seven days or since a time, findings, runs and backups.',
    input: z.strictObject({ engine: bounded(100), name: bounded(200), since: since.optional() }),
    answer: z.looseObject({ instance: shapes.instance, findings: z.array(shapes.tracked), runs: z.array(runShape) }),
    async handler(context, { engine: ofInstance, name, since: from }) {
      const { service, now } = context;
      const { instances, backups } = service.view();
      const instance = instances.find((one) => one.engine === ofInstance && one.instance === name);
      if (instance === undefined)
        throw new ProblemsError('not-found', `There is no instance ${name} on the engine ${ofInstance}.`);
      const start = from ?? new Date(now().getTime() - 7 * dayMs).toISOString();
      const found = service.history.findings.list({ instance: name, limit: 200 });
      const runs = await inEngine(context, ofInstance, ({ session }) =>
        session.store.runs.list({ instance: name, project: session.project }),
      );
      return {
        instance,
        samples: service.history.samples.since(ofInstance, name, start),
        findings: found.filter((tracked) => tracked.engine === ofInstance),
        runs,
        backups: backups.find((one) => one.engine === ofInstance && one.instance === name) ?? null,
      };
    },
  }),
  route('GET /findings', {
    scope: 'read',
    about: 'Findings with their history, newest first.',
    input: z.strictObject({
      state: z.enum(['open', 'gone']).optional().describe('Default: both.'),
      instance: bounded(200).optional(),
      limit: listLength,
    }),
    answer: z.array(shapes.tracked),
    handler: ({ service }, { state, instance, limit }) =>
      service.history.findings.list({
        limit,
        ...(state === undefined ? {} : { state }),
        ...(instance === undefined ? {} : { instance }),
      }),
  }),
  route('GET /rounds', {
    scope: 'read',
    about: 'Rounds, newest first.',
    input: z.strictObject({ limit: listLength }),
    answer: z.array(shapes.round),
    handler: ({ service }, { limit }) => service.history.rounds.list(limit),
  }),
  route('GET /plans', {
    scope: 'read',
    about: 'How an open finding would be repaired now, and the digest of this plan.',
    input: z.strictObject({ finding: bounded(500), engine: engine.optional() }),
    answer: shapes.plan,
    handler: (context, { finding, engine: ofFinding }) => planFor(context, finding, ofFinding),
  }),
  route('GET /runs', {
    scope: 'read',
    about: 'Runs, newest first.',
    input: z.strictObject({ limit: listLength }),
    answer: z.array(runShape),
    handler: (context, { limit }) => listRuns(context, limit),
  }),
  route('GET /runs/:id', {
    scope: 'read',
    about: 'One run: its plan and digest, what happened so far, its verification and its escalation report.',
    input: z.strictObject({ id: bounded(100) }),
    answer: shapes.runDetails,
    handler: (context, { id }) => runAnswer(context, id),
  }),
  route('GET /runs/:id/dossier', {
    scope: 'read',
    about: 'The escalation report of a run, as Markdown.',
    input: z.strictObject({ id: bounded(100) }),
    answer: z.looseObject({ dossier: z.string() }),
    async handler(context, { id }) {
      const { dossier } = await runAnswer(context, id);
      if (dossier === null) throw new ProblemsError('not-found', `Run ${id} has no escalation report.`);
      return { dossier };
    },
  }),
  route('GET /backups', {
    scope: 'read',
    about: 'Backups of all instances, and the levels that were proven in the last 90 days.',
    input: none,
    answer: z.looseObject({ instances: z.array(shapes.backups), proofs: z.array(shapes.proof) }),
    handler: ({ service, now }) => ({
      instances: service.view().backups,
      proofs: service.history.proofs.since(new Date(now().getTime() - 90 * dayMs).toISOString()),
    }),
  }),
  route('GET /alerts', {
    scope: 'read',
    about: 'Alerts, newest first.',
    input: z.strictObject({ limit: listLength }),
    answer: z.array(shapes.alert),
    handler: ({ service }, { limit }) => service.history.alerts.list(limit),
  }),
  route('GET /problems', {
    scope: 'read',
    about: 'Registries, records and tasks.',
    input: none,
    answer: shapes.commandOutput('problems scan'),
    handler: (context) => scanAnswer(context),
  }),
  route('GET /problems/:id', {
    scope: 'read',
    about: 'A record in full.',
    input: z.strictObject({ id: bounded(500) }),
    answer: shapes.commandOutput('problems show'),
    handler: (context, { id }) => recordAnswer(context, id),
  }),
  route('GET /explanations/:id', {
    scope: 'read',
    about: 'The priority of a problem, factor by factor.',
    input: z.strictObject({ id: bounded(500) }),
    answer: shapes.commandOutput('problems explain'),
    handler: (context, { id }) => explanationAnswer(context, id),
  }),
  route('GET /tasks', {
    scope: 'read',
    about: 'The queue of tasks, without those that have ended.',
    input: none,
    answer: shapes.commandOutput('problems tasks'),
    handler: (context) => tasksAnswer(context),
  }),
  route('GET /stats', {
    scope: 'read',
    about: 'What has worked, before and since a time; 30 days ago by default.',
    input: ofEngine.extend({ since: since.optional() }),
    answer: shapes.commandOutput('problems stats'),
    handler: (context, { engine: asked, since: from }) =>
      statsAnswer(context, asked, from === undefined ? undefined : new Date(from)),
  }),
  route('GET /forecast', {
    scope: 'read',
    about: 'What to expect of ports, memory and connections.',
    input: ofEngine,
    answer: shapes.commandOutput('problems forecast'),
    handler: (context, { engine: asked }) => forecastAnswer(context, asked),
  }),
  route('GET /fleet', {
    scope: 'read',
    about: 'The memory limit and worst case of every instance, and the budget of the machine.',
    input: ofEngine,
    answer: shapes.commandOutput('problems fleet'),
    handler: (context, { engine: asked }) => fleetAnswer(context, asked),
  }),
  route('GET /preflight', {
    scope: 'read',
    about: 'Whether an instance with these resources could be created now.',
    input: ofEngine.extend({
      memory: z.coerce
        .number()
        .int()
        .min(1)
        .max(2 ** 50)
        .optional()
        .describe('Bytes.'),
      port: z.coerce.number().int().min(1).max(65_535).optional(),
      instance: bounded(200).optional().describe('A port that it already holds does not conflict.'),
    }),
    answer: shapes.commandOutput('problems preflight'),
    handler: (context, { engine: asked, memory, port, instance }) =>
      preflightAnswer(
        context,
        {
          ...(memory === undefined ? {} : { memory }),
          ...(port === undefined ? {} : { port }),
          ...(instance === undefined ? {} : { instance }),
        },
        asked,
      ),
  }),
  route('GET /service', {
    scope: 'read',
    about: 'Jobs, deliveries of alerts, tokens without their secrets, and the policy.',
    input: none,
    answer: z.looseObject({
      jobs: z.array(shapes.job),
      deliveries: z.array(shapes.delivery),
      tokens: z.array(z.looseObject({ name: z.string(), scope: z.string() })),
      policy: z.array(z.string()),
    }),
    async handler(context) {
      const { jobs, deliveries } = context.service.view();
      const tokens = context.service.history.tokens
        .list()
        .map(({ name, scope, createdAt, lastUsedAt }) => ({ name, scope, createdAt, lastUsedAt }));
      const policy = await inEngine(context, undefined, async (remediation) => policyLines(remediation));
      return { jobs, deliveries, tokens, policy };
    },
  }),
];
