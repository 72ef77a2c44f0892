import { randomBytes } from 'node:crypto';
import { ProblemsError } from '../errors.ts';
import type { Finding, Block } from '../remediation/contract.ts';
import type { DetectResult } from '../remediation/engine/detect.ts';
import { writeEscalationReport, writeRefusalReport } from '../remediation/engine/escalation-report.ts';
import { recordOf } from '../remediation/engine/lock-run.ts';
import { decideOn, type PolicySettings, type Proposal, propose } from '../remediation/engine/plan.ts';
import {
  execute,
  resume as resumeRun,
  rollback as rollbackRun,
  waiting,
  waitsForNobody,
} from '../remediation/engine/resume.ts';
import type { EngineContext } from '../remediation/engine/session.ts';
import { failureOf } from '../remediation/engine/steps.ts';
import { approveCommand, type Acknowledgement, approvalOf } from '../remediation/policy/circuit-breakers.ts';
import { aboutFinding, emptyReport, reportOf, type RunReport } from '../remediation/run-report.ts';
import type { RunRecord } from '../remediation/store/store.ts';
import type { Automation } from '../tasks/types.ts';
import { detect, endsRound, type DetectOptions } from './detect.ts';
import { bindCall, type Remediation, type RemediationCall } from './open-remediation.ts';

export interface RemediateRequest extends DetectOptions {
  /** A person has agreed: what asks for approval runs. What only a person may do still does not. */
  readonly yes?: boolean;
  /** In place of what config, registry and risk say. */
  readonly automation?: Automation;
  /** Who agrees, for the audit log. */
  readonly by?: string;
  /** Each report as soon as it is made: an error that ends the round takes none of them away. */
  readonly onReport?: (report: RunReport, detected: DetectResult) => void;
}

/**
 * Detects, plans, and lets run what may run, one instance after the other. A run that ends `stuck`, or whose undo
 * failed, ends the round: what comes after is only planned. What cannot be planned or begun is a `failed` report, and
 * the others are dealt with all the same.
 * @throws ProblemsError `engine-unreachable`, `state-damaged`, `state-locked`, `state-unwritable`: for the rest nothing
 * can be done either.
 */
export async function remediate(
  opened: Remediation,
  request: RemediateRequest = {},
): Promise<{ readonly detected: DetectResult; readonly runs: readonly RunReport[] }> {
  const remediation = bindCall(opened, request);
  const detected = await detect(remediation, request);
  const reports: RunReport[] = [];
  function add(report: RunReport): void {
    reports.push(report);
    request.onReport?.(report, detected);
  }
  absentOf(request, detected).forEach(add);
  const policy = {
    ...remediation.policy,
    ...(request.automation === undefined ? {} : { commandLine: request.automation }),
  };
  for (const finding of detected.findings) {
    if (remediation.session.signal.aborted) break;
    const halted = reports.some(({ outcome }) => outcome === 'stuck');
    add(await dealWith(remediation, finding, detected, policy, request, halted));
  }
  return { detected, runs: reports };
}

/** Takes up runs whose process has ended: this one, or all. One that cannot be taken up leaves the others none the worse. */
export async function resume(
  opened: Remediation,
  id?: string,
  { onReport, ...call }: RemediationCall & { readonly onReport?: (report: RunReport) => void } = {},
): Promise<readonly RunReport[]> {
  const { session } = bindCall(opened, call);
  const reports: RunReport[] = [];
  const open = id === undefined ? await session.store.runs.list({ open: true }) : [await recordOf(session, id)];
  for (const { id: each } of open) {
    const report = await takenUp(session, each, id !== undefined);
    if (report === undefined) continue;
    reports.push(report);
    onReport?.(report);
  }
  return reports;
}

/** Undefined: it is under way elsewhere, or has been ended there since it was listed. */
async function takenUp(session: EngineContext, id: string, isWanted: boolean): Promise<RunReport | undefined> {
  try {
    return reportOf(await resumeRun(session, id), session.actions);
  } catch (error) {
    if (isWanted || endsRound(error)) throw error;
    const record = await recordOf(session, id);
    if (record.phase === 'ended' || (error instanceof ProblemsError && error.code === 'run-live')) return undefined;
    return { ...reportOf(record, session.actions), failure: failureIn(session, error) };
  }
}

/** Puts back what a run changed: of one that was cut off, or of a fixed one while that is still possible. */
export async function rollback(opened: Remediation, id: string, call: RemediationCall = {}): Promise<RunReport> {
  const { session } = bindCall(opened, call);
  return reportOf(await rollbackRun(session, id), session.actions);
}

/** The journal, newest first, or one run. */
export async function runs({ session }: Remediation, id?: string): Promise<readonly RunRecord[]> {
  return id === undefined ? session.store.runs.list() : [await recordOf(session, id)];
}

async function dealWith(
  { session, problems }: Remediation,
  finding: Finding,
  detected: DetectResult,
  policy: PolicySettings,
  request: RemediateRequest,
  halted: boolean,
): Promise<RunReport> {
  const id = runId();
  try {
    const proposal = await propose(session, finding, detected, problems, policy);
    return await carryOut(session, id, proposal, request, halted);
  } catch (error) {
    if (endsRound(error)) throw error;
    return afterError(session, id, finding, error);
  }
}

/** The journal knows how far it came: what has not begun is over, what has begun stays open for `resume`. */
async function afterError(session: EngineContext, id: string, finding: Finding, error: unknown): Promise<RunReport> {
  const failure = failureIn(session, error);
  const { runs: journal } = session.store;
  const at = session.at();
  await journal.changeFrom(id, waiting, { phase: 'ended', outcome: 'failed', failure, endedAt: at }, at);
  const record = await journal.get(id);
  return record === undefined
    ? { ...emptyReport, ...aboutFinding(finding), outcome: 'failed', failure }
    : { ...reportOf(record, session.actions), failure };
}

function failureIn(session: EngineContext, error: unknown): NonNullable<RunReport['failure']> {
  const { class: failureClass, message } = failureOf(error);
  const hint = error instanceof ProblemsError ? (error.hint ?? '') : '';
  return { class: failureClass, message: session.redact.text(`${message} ${hint}`.trim()) };
}

async function carryOut(
  session: EngineContext,
  id: string,
  proposal: Proposal,
  request: RemediateRequest,
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
    !halted && (decision.automation === 'auto' || (decision.automation === 'approve' && request.yes === true));
  const waits = !mayRun && !halted && decision.automation === 'approve';
  await journal.create({ id, plan, decision, phase: waits ? 'awaiting-approval' : 'planned', at: session.at() });
  if (mayRun) {
    const approvedBy = request.yes === true ? session.redact.text(request.by ?? 'command line') : undefined;
    return reportOf(await executeOrRefuse(session, id, approvedBy), session.actions);
  }
  await journal.change(id, { outcome: waits ? 'awaiting-approval' : 'planned' }, session.at());
  if (decision.automation === 'human')
    await journal.change(
      id,
      { dossier: await writeEscalationReport(session, await recordOf(session, id)) },
      session.at(),
    );
  return reportOf(await recordOf(session, id), session.actions);
}

/** Somebody else works on the volume: the run has not begun, and says so. */
async function executeOrRefuse(session: EngineContext, id: string, approvedBy?: string): Promise<RunRecord> {
  try {
    return await execute(session, id, approvedBy);
  } catch (error) {
    if (!(error instanceof ProblemsError && error.code === 'lock-held')) throw error;
    const failure = { class: 'conflict', message: `${error.message} ${error.hint ?? ''}`.trim() } as const;
    const at = session.at();
    const change = { phase: 'ended', outcome: 'failed', failure, endedAt: at } as const;
    if (!(await session.store.runs.changeFrom(id, waiting, change, at))) throw error;
    return recordOf(session, id);
  }
}

/** Problems that were asked for by name and are not there. */
function absentOf({ ids = [] }: RemediateRequest, { findings }: DetectResult): readonly RunReport[] {
  return ids
    .filter((id) => !findings.some((finding) => finding.id === id || finding.problem === id))
    .map((problem) => ({ ...emptyReport, problem }));
}

/** A word for people and labels, not an order: what sorts is the time in the journal. */
function runId(): string {
  return `r${randomBytes(5).toString('hex')}`;
}

export interface ApproveOptions extends RemediationCall {
  /** What the person says besides: it is demanded where data may be damaged, and where the repair failed before. */
  readonly despite?: readonly Acknowledgement[];
  /** Told what the approval overrules, before the run begins. */
  readonly onOverruled?: (reasons: readonly string[]) => void;
}

/**
 * Lets a run go on that waits for a person. What it is about is looked for again first, and who may let it run is decided
 * again: what the policy leaves to a person is decided by approving, what nobody may decide is refused.
 * @throws ProblemsError `bad-usage`: it waits for nobody. `run-live`: somebody else has just approved it. `step-refused`:
 * no program does what it does, everything is paused, its instance is suspended, or something must be said besides.
 */
export async function approve(
  opened: Remediation,
  id: string,
  by: string,
  { despite = [], onOverruled, ...call }: ApproveOptions = {},
): Promise<RunReport> {
  const remediation = bindCall(opened, call);
  const { session, problems, policy } = remediation;
  const record = await recordOf(session, id);
  if (!waiting.includes(record.phase)) throw waitsForNobody(record);
  const { plan, decision } = record;
  const { instance } = plan.target;
  const suspended = await session.store.suspensions.get(instance);
  const detected = await detect(remediation, { remediators: [plan.remediator] });
  const finding = detected.findings.find((one) => one.id === plan.finding.id);
  const approvedBy = session.redact.text(by);
  if (finding === undefined) {
    const at = session.at();
    const change = { phase: 'ended', outcome: 'absent', endedAt: at, approvedBy } as const;
    if (!(await session.store.runs.changeFrom(id, waiting, change, at)))
      throw waitsForNobody(await recordOf(session, id));
    return reportOf(await recordOf(session, id), session.actions);
  }
  const now = await decideOn(session, finding, plan, detected, problems, policy);
  // Damage that was only now seen has suspended the instance by that: the one word is enough for both.
  const holds = (now.holds ?? []).filter(
    ({ cause }, _, all) => cause !== 'suspension' || suspended !== undefined || !all.some(isDamage),
  );
  const { forbidden, demanded, overruled } = approvalOf({ ...now, holds }, decision);
  if (forbidden !== undefined) throw refusedBlock(forbidden, id, instance);
  const missing = demanded.filter((cause) => !despite.includes(cause));
  if (missing.length > 0)
    throw demand(overruled, id, demanded, await session.store.suspensions.get(instance), instance);
  if (overruled.length > 0) onOverruled?.(overruled);
  await session.store.audit.append({
    at: session.at(),
    run: id,
    event: 'approved',
    body: { by: approvedBy, overruled: overruled.map((reason) => session.redact.text(reason)) },
  });
  return reportOf(await executeOrRefuse(session, id, approvedBy), session.actions);
}

function isDamage({ cause }: Block): boolean {
  return cause === 'damage';
}

function refusedBlock({ cause, reason }: Block, id: string, instance: string): ProblemsError {
  const hints: Partial<Record<Block['cause'], string>> = {
    never: `A person who must do it does it by hand; \`problems runs ${id}\` shows the steps.`,
    pause: 'Once that is over, take away the file `paused`, or `pause` in the config.',
    suspension: `Once a person has looked: problems runs lift ${instance}.`,
  };
  return new ProblemsError('step-refused', reason, { hint: hints[cause] });
}

function demand(
  reasons: readonly string[],
  id: string,
  demanded: readonly Acknowledgement[],
  suspension: { readonly reason: string } | undefined,
  instance: string,
): ProblemsError {
  const lift = suspension === undefined ? '' : `problems runs lift ${instance} --yes, then `;
  return new ProblemsError('step-refused', `${reasons.join('; ')}.`, {
    hint: `A person who has looked, and lets it run all the same, says so: ${lift}${approveCommand(id, demanded)}`,
  });
}
