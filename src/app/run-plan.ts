import { randomBytes } from 'node:crypto';
import { ProblemsError } from '../errors.ts';
import type { Finding } from '../remediation/contract.ts';
import { writeEscalationReport, writeRefusalReport } from '../remediation/engine/escalation-report.ts';
import { recordOf } from '../remediation/engine/lock-run.ts';
import type { Proposal } from '../remediation/engine/plan.ts';
import { execute } from '../remediation/engine/resume.ts';
import type { EngineContext } from '../remediation/engine/session.ts';
import { failureOf } from '../remediation/engine/steps.ts';
import { aboutFinding, emptyReport, reportOf, type RunReport } from '../remediation/run-report.ts';
import type { RunRecord } from '../remediation/store/store.ts';

/** How a proposal becomes a run: journalled, then executed, left for an approval, or refused with a report. */

export interface Consent {
  /** Approve what needs approval. Operations that never run automatically are still refused. */
  readonly yes?: boolean;
  /** Who approves, for the audit log. */
  readonly by?: string;
}

/** For people and labels. Runs sort by the time in the journal, not by id. */
export function runId(): string {
  return `r${randomBytes(5).toString('hex')}`;
}

/** After an error: a run that has not begun ends as failed; one that has begun stays open for `resume`. */
export async function afterError(
  session: EngineContext,
  id: string,
  finding: Finding,
  error: unknown,
): Promise<RunReport> {
  const failure = failureIn(session, error);
  const { runs: journal } = session.store;
  const at = session.at();
  await journal.changeWaiting(id, { phase: 'ended', outcome: 'failed', failure, endedAt: at }, at);
  const record = await journal.get(id);
  return record === undefined
    ? { ...emptyReport, ...aboutFinding(finding), outcome: 'failed', failure }
    : { ...reportOf(record, session.actions), failure };
}

export function failureIn(session: EngineContext, error: unknown): NonNullable<RunReport['failure']> {
  const { class: failureClass, message } = failureOf(error);
  const hint = error instanceof ProblemsError ? (error.hint ?? '') : '';
  return { class: failureClass, message: session.redact.text(`${message} ${hint}`.trim()) };
}

export async function carryOut(
  session: EngineContext,
  id: string,
  proposal: Proposal,
  consent: Consent,
  halted: boolean,
): Promise<RunReport> {
  const { finding, plan, decision } = proposal;
  if (plan.type === 'refusal' || decision === undefined) {
    const refusal = plan.type === 'refusal' ? plan : { type: 'refusal' as const, reason: 'no decision', advice: '' };
    const dossier = await writeRefusalReport(session, id, finding.summary, finding.evidence, refusal);
    const message = session.redact.text(`${refusal.reason} ${refusal.advice}`.trim());
    return {
      ...emptyReport,
      ...aboutFinding(finding),
      outcome: 'failed',
      failure: { class: 'unsafe', message },
      dossier,
    };
  }
  const { runs: journal } = session.store;
  const mayRun =
    !halted && (decision.automation === 'auto' || (decision.automation === 'approve' && consent.yes === true));
  const waits = !mayRun && !halted && decision.automation === 'approve';
  await journal.create({
    id,
    project: session.project,
    plan,
    decision,
    phase: waits ? 'awaiting-approval' : 'planned',
    at: session.at(),
  });
  if (mayRun) {
    const approvedBy = consent.yes === true ? session.redact.text(consent.by ?? 'command line') : undefined;
    return reportOf(await executeOrRefuse(session, id, approvedBy), session.actions);
  }
  await journal.changeWaiting(id, { outcome: waits ? 'awaiting-approval' : 'planned' }, session.at());
  if (decision.automation === 'human')
    await journal.changeWaiting(
      id,
      { dossier: await writeEscalationReport(session, await recordOf(session, id)) },
      session.at(),
    );
  const report = reportOf(await recordOf(session, id), session.actions);
  const onlyPlanned = 'Only planned: another run of this round is stuck, so nothing else is changed.';
  return halted ? { ...report, reasons: [onlyPlanned, ...report.reasons] } : report;
}

/** Another run has locked the volume: the report says that this run did not begin. */
export async function executeOrRefuse(session: EngineContext, id: string, approvedBy?: string): Promise<RunRecord> {
  try {
    return await execute(session, id, approvedBy);
  } catch (error) {
    if (!(error instanceof ProblemsError && error.code === 'lock-held')) throw error;
    const failure = { class: 'conflict', message: `${error.message} ${error.hint ?? ''}`.trim() } as const;
    const at = session.at();
    const change = { phase: 'ended', outcome: 'failed', failure, endedAt: at } as const;
    if (!(await session.store.runs.changeWaiting(id, change, at))) throw error;
    return recordOf(session, id);
  }
}
