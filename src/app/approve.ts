import { ProblemsError } from '../errors.ts';
import type { Block } from '../remediation/contract.ts';
import { recordOf, trustedRecord } from '../remediation/engine/lock-run.ts';
import { decideOn } from '../remediation/engine/plan.ts';
import { notWaiting } from '../remediation/engine/resume.ts';
import { waiting } from '../remediation/store/store.ts';
import { type Acknowledgement, approvalOf, approveCommand } from '../remediation/policy/circuit-breakers.ts';
import { reportOf, type RunReport } from '../remediation/run-report.ts';
import { detect } from './detect.ts';
import { bindCall, type Remediation, type RemediationCall } from './open-remediation.ts';
import { executeOrRefuse } from './run-plan.ts';

export interface ApproveOptions extends RemediationCall {
  /** Acknowledgements, required if data may be damaged or earlier repairs failed. */
  readonly despite?: readonly Acknowledgement[];
  /** Called with what the approval overrules, before the run begins. */
  readonly onOverruled?: (reasons: readonly string[]) => void;
}

/**
 * Approves a run that is waiting. First runs its detector again, and decides again whether approval is enough.
 * @throws ProblemsError `bad-usage`: the run is not waiting. `run-live`: someone else has just approved it.
 * `step-refused`: the plan never runs automatically, everything is paused, its instance is suspended, or the approval
 * lacks an acknowledgement.
 */
export async function approve(
  opened: Remediation,
  id: string,
  by: string,
  { despite = [], onOverruled, ...call }: ApproveOptions = {},
): Promise<RunReport> {
  const remediation = bindCall(opened, call);
  const { session, problems, policy } = remediation;
  const record = await trustedRecord(session, id);
  if (!waiting.includes(record.phase)) throw notWaiting(record);
  const { plan, decision } = record;
  const { instance } = plan.target;
  const suspended = await session.store.suspensions.get(instance);
  const detected =
    plan.requested === true
      ? { findings: [plan.finding] }
      : await detect(remediation, { remediators: [plan.remediator] });
  const finding = detected.findings.find((one) => one.id === plan.finding.id);
  const approvedBy = session.redact.text(by);
  if (finding === undefined) {
    const at = session.at();
    const change = { phase: 'ended', outcome: 'absent', endedAt: at, approvedBy } as const;
    if (!(await session.store.runs.changeWaiting(id, change, at))) throw notWaiting(await recordOf(session, id));
    return reportOf(await recordOf(session, id), session.actions);
  }
  const now = await decideOn(session, finding, plan, detected, problems, policy);
  // Damage found just now has also suspended the instance: one acknowledgement covers both.
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
    never: `Do it by hand; \`problems runs ${id}\` shows the steps.`,
    pause: 'End the pause first: remove the file `paused`, or `pause` from the config.',
    suspension: `After checking the instance, run: problems runs lift ${instance} --yes`,
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
    hint: `After checking the instance, approve it anyway with: ${lift}${approveCommand(id, demanded)}`,
  });
}
