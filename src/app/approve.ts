import { ProblemsError } from '../errors.ts';
import type { Block } from '../remediation/contract.ts';
import { recordOf } from '../remediation/engine/lock-run.ts';
import { decideOn } from '../remediation/engine/plan.ts';
import { waiting, waitsForNobody } from '../remediation/engine/resume.ts';
import { type Acknowledgement, approvalOf, approveCommand } from '../remediation/policy/circuit-breakers.ts';
import { reportOf, type RunReport } from '../remediation/run-report.ts';
import { detect } from './detect.ts';
import { bindCall, type Remediation, type RemediationCall } from './open-remediation.ts';
import { executeOrRefuse } from './run-plan.ts';

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
  const detected =
    plan.requested === true
      ? { findings: [plan.finding], notLookedAt: [] }
      : await detect(remediation, { remediators: [plan.remediator] });
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
