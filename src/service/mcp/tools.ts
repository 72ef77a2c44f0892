import { z } from 'zod';
import { backupVerdicts, type RunRecord } from '../../app/remediation.ts';
import { ProblemsError } from '../../errors.ts';
import type { Scope } from '../contract.ts';
import { inEngine, type OperationContext } from '../operations/context.ts';
import { planFor } from '../operations/plans.ts';
import {
  explanationAnswer,
  fleetAnswer,
  leaseAnswer,
  preflightAnswer,
  problemRows,
  recordAnswer,
  reportAttempt,
} from '../operations/registry.ts';
import { requestRemediation } from '../operations/repairs.ts';
import { dossierOf, listRuns, waitForRun } from '../operations/runs.ts';
import { findingAsData, untrusted } from './as-data.ts';

/** A tool as the server registers it and docs/mcp.md describes it. */
export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  /** What a token needs to see it. */
  readonly scope: Scope;
  readonly hints: {
    readonly readOnlyHint: boolean;
    readonly destructiveHint: boolean;
    readonly idempotentHint: boolean;
    readonly openWorldHint: false;
  };
  readonly input: z.ZodObject;
  /** @throws ProblemsError. */
  run(context: OperationContext, input: unknown): Promise<object>;
}

function tool<Input extends z.ZodObject>({
  run,
  ...declared
}: Omit<Tool, 'run' | 'input'> & {
  readonly input: Input;
  readonly run: (context: OperationContext, input: z.output<Input>) => Promise<object>;
}): Tool {
  return { ...declared, run: async (context, input) => run(context, declared.input.parse(input)) };
}

const readOnly = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false } as const;
const adds = { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false } as const;

function name(about: string): z.ZodString {
  return z.string().min(1).max(500).describe(about);
}
const engine = z.string().min(1).max(100).optional().describe('Name of the engine, if there are several.');
const finding = name('Id of the finding, as list_findings says it.');
const limit = z.number().int().min(1).max(100).default(20);

/** Twelve tools. None approves, refuses, rolls back, lifts a suspension, pauses or changes the policy: people do that. */
export const tools: readonly Tool[] = [
  tool({
    name: 'list_problems',
    title: 'List problems',
    about: 'Lists the records of the registries (PROBLEMS.md), the most urgent first.',
    scope: 'read',
    hints: readOnly,
    input: z.strictObject({
      component: name('Only this component.').optional(),
      severity: name('Only this severity: critical, high, medium, low.').optional(),
      status: name('Only this status.').optional(),
      limit,
    }),
    async run(context, { limit: most, component, severity, status }) {
      const rows = await problemRows(context, {
        ...(component === undefined ? {} : { component }),
        ...(severity === undefined ? {} : { severity }),
        ...(status === undefined ? {} : { status }),
      });
      return { total: rows.length, problems: rows.slice(0, most) };
    },
  }),
  tool({
    name: 'get_problem',
    title: 'Get a problem',
    about: 'Reads one record in full, with its tasks and every factor of its priority.',
    scope: 'read',
    hints: readOnly,
    input: z.strictObject({ problem: name('Id of the record, or its last part.') }),
    async run(context, { problem }) {
      const record = await recordAnswer(context, problem);
      const explanation = await explanationAnswer(context, problem).catch((error: unknown) => {
        // Some kinds of record have no task, and so no priority.
        if (error instanceof ProblemsError && error.code === 'not-found') return null;
        throw error;
      });
      return { ...record, explanation };
    },
  }),
  tool({
    name: 'list_findings',
    title: 'List findings',
    about:
      'Lists what the last round found, and how old it is. A round takes longer than a call should: `refresh` starts one and ' +
      'answers at once with its id.',
    scope: 'read',
    hints: { ...readOnly, idempotentHint: false },
    input: z.strictObject({
      instance: name('Only this instance.').optional(),
      refresh: z.boolean().default(false).describe('Starts a round. Needs a token with the scope request.'),
      limit,
    }),
    async run({ service, now, mayRequest }, { instance, refresh, limit: most }) {
      if (refresh && !mayRequest)
        throw new ProblemsError('bad-usage', 'This caller may only read.', { hint: 'Call it without `refresh`.' });
      const requested = refresh ? service.requestRound(instance === undefined ? {} : { instances: [instance] }) : null;
      const { findings, lastRound, instances } = service.view();
      const open = findings.filter(
        (one) => one.goneAt === null && (instance === undefined || one.finding.instance === instance),
      );
      const ended = lastRound?.endedAt ?? null;
      return {
        lastRound,
        ageSeconds: ended === null ? null : Math.round((now().getTime() - Date.parse(ended)) / 1_000),
        requestedRound: requested?.id ?? null,
        notLookedAt: instances.flatMap((one) =>
          one.notLookedAt.map(({ remediator, reason }) => ({ instance: one.instance, remediator, reason })),
        ),
        total: open.length,
        findings: open.slice(0, most).map(findingAsData),
      };
    },
  }),
  tool({
    name: 'plan_remediation',
    title: 'Plan a repair',
    about: 'Plans the repair of a finding: steps, downtime, undo, and why it may not run by itself. Changes nothing.',
    scope: 'read',
    hints: readOnly,
    input: z.strictObject({ finding, engine }),
    async run(context, { finding: id, engine: of }) {
      const { finding: found, ...plan } = await planFor(context, id, of);
      return { ...plan, finding: found.id, summary: found.summary, untrusted: untrusted(found.evidence) };
    },
  }),
  tool({
    name: 'request_remediation',
    title: 'Ask for a repair',
    about:
      'Asks for the repair of a finding. The policy of the operators decides: it runs, waits for the approval of a person, or is ' +
      'left to people. You cannot approve it. A finding whose run has not ended gets no second one.',
    scope: 'request',
    hints: adds,
    input: z.strictObject({ finding, reason: name('Why, for the people who decide.'), engine }),
    async run(context, { finding: id, reason, engine: of }) {
      const { run, refusal } = await requestRemediation(context, {
        finding: id,
        reason,
        ...(of === undefined ? {} : { engine: of }),
      });
      const state = run === null ? 'refused' : stateOf(run);
      return { state, run: run === null ? null : rowOf(run), refusal };
    },
  }),
  tool({
    name: 'list_runs',
    title: 'List runs',
    about: 'Lists repairs and backups that were planned or run, newest first.',
    scope: 'read',
    hints: readOnly,
    input: z.strictObject({ limit }),
    run: async (context, { limit: most }) => ({ runs: (await listRuns(context, most)).map(rowOf) }),
  }),
  tool({
    name: 'get_run',
    title: 'Get a run',
    about:
      'Reads one run: steps, verification, why it failed, and its escalation report. Waits up to `wait` seconds until it has ' +
      'ended or waits for approval.',
    scope: 'read',
    hints: readOnly,
    input: z.strictObject({
      run: name('Id of the run.'),
      wait: z.number().int().min(0).max(30).default(0).describe('Seconds, at most 30.'),
    }),
    async run(context, { run: id, wait }) {
      const run = await waitForRun(context, id, wait * 1_000);
      return {
        ...rowOf(run),
        state: stateOf(run),
        reasons: run.decision.reasons,
        steps: run.steps.map(({ action, state, startedAt, endedAt, error }) => ({
          action,
          state,
          startedAt,
          endedAt,
          error,
        })),
        verification: run.verification,
        failure: run.failure,
        downtimeMs: run.downtimeMs,
        approvedBy: run.approvedBy,
        escalationReport: await dossierOf(context, id),
        untrusted: untrusted(run.plan.finding.evidence),
      };
    },
  }),
  tool({
    name: 'list_backups',
    title: 'List backups',
    about:
      'Says for each instance whether it could be restored from its own backups, and how far each backup was proven.',
    scope: 'read',
    hints: readOnly,
    input: z.strictObject({ instance: name('Only this instance.').optional(), engine }),
    async run(context, { instance, engine: of }) {
      const { backups, verdicts, notLookedAt } = await inEngine(context, of, (remediation) =>
        backupVerdicts(remediation, instance),
      );
      return {
        verdicts,
        notLookedAt,
        backups: backups.map(({ ref, createdAt, bytes, state, verdict, reached }) => ({
          ref,
          createdAt,
          bytes,
          state,
          verdict,
          reached,
        })),
      };
    },
  }),
  tool({
    name: 'fleet',
    title: 'Show the fleet',
    about: 'The memory limit and worst case of every instance, and the budget of the machine. Sizes in bytes.',
    scope: 'read',
    hints: readOnly,
    input: z.strictObject({ engine }),
    run: (context, { engine: of }) => fleetAnswer(context, of),
  }),
  tool({
    name: 'preflight',
    title: 'Check before creating an instance',
    about: 'Says whether an instance with this port and memory limit could be created now. Reserves nothing.',
    scope: 'read',
    hints: readOnly,
    input: z.strictObject({
      port: z.number().int().min(1).max(65_535).optional(),
      memory: z.number().int().min(1).optional().describe('Bytes.'),
      instance: name('A port that it already holds does not conflict.').optional(),
      engine,
    }),
    run: (context, { engine: of, port, memory, instance }) =>
      preflightAnswer(
        context,
        {
          ...(port === undefined ? {} : { port }),
          ...(memory === undefined ? {} : { memory }),
          ...(instance === undefined ? {} : { instance }),
        },
        of,
      ),
  }),
  tool({
    name: 'lease_port',
    title: 'Lease a port',
    about:
      'Leases a free port for a new instance for ten minutes, so that no one else gets it. The same instance gets the same port.',
    scope: 'request',
    hints: adds,
    input: z.strictObject({ instance: name('Name of the new instance.'), engine }),
    run: (context, { instance, engine: of }) => leaseAnswer(context, instance, of),
  }),
  tool({
    name: 'report_outcome',
    title: 'Report an attempt',
    about:
      'Writes what was tried for a problem, and whether it helped, into its record. The same report is written once a day.',
    scope: 'request',
    hints: adds,
    input: z.strictObject({
      problem: name('Id of the record, or its last part.'),
      what: name('What was done, in one sentence.'),
      worked: z.boolean(),
      evidence: z.string().max(2_000).optional().describe('What was seen.'),
    }),
    run: (context, { problem, ...attempt }) => reportAttempt(context, problem, attempt),
  }),
];

/** What an agent asks: whether it is done. */
function stateOf({ phase, outcome }: RunRecord): string {
  if (phase === 'awaiting-approval' || phase === 'planned') return phase;
  return phase === 'ended' ? (outcome ?? 'ended') : 'running';
}

function rowOf({ id, plan, phase, outcome, createdAt, startedAt, endedAt }: RunRecord): object {
  const { remediator, summary, target, finding: found } = plan;
  return {
    id,
    instance: target.instance,
    remediator,
    finding: found.id,
    summary,
    phase,
    outcome,
    createdAt,
    startedAt,
    endedAt,
  };
}
