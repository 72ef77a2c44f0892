import type { RequestedWork } from '../remediation/contract.ts';
import { type Proposal, proposePlan } from '../remediation/engine/plan.ts';
import type { RunReport } from '../remediation/run-report.ts';
import type { Automation } from '../tasks/types.ts';
import { endsRound } from './detect.ts';
import { bindCall, type Remediation, type RemediationCall } from './open-remediation.ts';
import { afterError, carryOut, type Consent, runId } from './run-plan.ts';

export interface SubmitOptions extends RemediationCall, Consent {
  /** Overrides config and risk. */
  readonly automation?: Automation;
}

/** Plans a request: its steps, their effects and the policy. Changes nothing. */
export async function review(
  opened: Remediation,
  work: RequestedWork,
  options: RemediationCall & Pick<SubmitOptions, 'automation'> = {},
): Promise<Proposal> {
  const remediation = bindCall(opened, options);
  const { automation } = options;
  const policy = { ...remediation.policy, ...(automation === undefined ? {} : { commandLine: automation }) };
  return proposePlan(remediation.session, work, { findings: [] }, [], policy);
}

/**
 * Runs requested work, such as taking a backup, with policy, locks, journal, verification and undo like every repair. What needs approval waits for it unless `yes` is given. A plan that is refused or cannot begin is a
 * `failed` report.
 * @throws ProblemsError `engine-unreachable`, `state-damaged`, `state-locked`, `state-unwritable`.
 *
 * @example
 * const report = await submit(remediation, await planBackup(remediation, { instance: 'orders' }), { yes: true });
 */
export async function submit(
  opened: Remediation,
  work: RequestedWork,
  options: SubmitOptions = {},
): Promise<RunReport> {
  const remediation = bindCall(opened, options);
  const id = runId();
  try {
    const proposal = await review(remediation, work, options);
    return await carryOut(remediation.session, id, proposal, options, false);
  } catch (error) {
    if (endsRound(error)) throw error;
    return afterError(remediation.session, id, work.finding, error);
  }
}
