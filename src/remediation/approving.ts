import { ProblemsError } from '../errors.ts';
import { decideOn } from './engine/plan.ts';
import { recordOf } from './engine/lock-run.ts';
import { waiting, waitsForNobody } from './engine/resume.ts';
import { detect } from '../app/detect.ts';
import type { Remediation } from '../app/open-remediation.ts';
import type { Hold } from './policy/policy.ts';
import { approveCommand, type Despite, overruling } from './policy/overruling.ts';
import { reportOf, type RunReport } from './run-report.ts';
import { executeOrRefuse } from '../app/remediate.ts';

export interface ApproveOptions {
  /** What the person says besides: it is demanded where data may be damaged, and where the repair failed before. */
  readonly despite?: readonly Despite[];
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
  remediation: Remediation,
  id: string,
  by: string,
  { despite = [], onOverruled }: ApproveOptions = {},
): Promise<RunReport> {
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
    return reportOf(await recordOf(session, id));
  }
  const now = await decideOn(session, finding, plan, detected, problems, policy);
  // Damage that was only now seen has suspended the instance by that: the one word is enough for both.
  const holds = (now.holds ?? []).filter(
    ({ cause }, _, all) => cause !== 'suspension' || suspended !== undefined || !all.some(isDamage),
  );
  const { forbidden, demanded, overruled } = overruling({ ...now, holds }, decision);
  if (forbidden !== undefined) throw refusal(forbidden, id, instance);
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
  return reportOf(await executeOrRefuse(session, id, approvedBy));
}

function isDamage({ cause }: Hold): boolean {
  return cause === 'damage';
}

function refusal({ cause, reason }: Hold, id: string, instance: string): ProblemsError {
  const hints: Partial<Record<Hold['cause'], string>> = {
    never: `A person who must do it does it by hand; \`problems runs ${id}\` shows the steps.`,
    pause: 'Once that is over, take away the file `paused`, or `pause` in the config.',
    suspension: `Once a person has looked: problems runs lift ${instance}.`,
  };
  return new ProblemsError('step-refused', reason, { hint: hints[cause] });
}

function demand(
  reasons: readonly string[],
  id: string,
  demanded: readonly Despite[],
  suspension: { readonly reason: string } | undefined,
  instance: string,
): ProblemsError {
  const lift = suspension === undefined ? '' : `problems runs lift ${instance} --yes, then `;
  return new ProblemsError('step-refused', `${reasons.join('; ')}.`, {
    hint: `A person who has looked, and lets it run all the same, says so: ${lift}${approveCommand(id, demanded)}`,
  });
}
