import type { RequestedWork } from '../remediation/contract.ts';
import type { Proposal } from '../remediation/engine/plan.ts';
import { requestMove } from '../remediation/remediators/volume-permissions/index.ts';
import type { RunReport } from '../remediation/run-report.ts';
import type { Automation } from '../tasks/types.ts';
import { requireInstances } from './detect.ts';
import { bindCall, type Remediation, type RemediationCall } from './open-remediation.ts';
import { review, submit, type SubmitOptions } from './submit.ts';

export interface MoveRequest extends SubmitOptions {
  /** Names of instances whose data is in a folder of the machine. */
  readonly instances: readonly string[];
}

/** What a move to a named volume would do, one proposal for each instance whose data is in a folder. Changes nothing. */
export async function reviewMoves(
  opened: Remediation,
  {
    instances,
    ...options
  }: RemediationCall & { readonly instances: readonly string[]; readonly automation?: Automation },
): Promise<readonly Proposal[]> {
  const remediation = bindCall(opened, options);
  const proposals: Proposal[] = [];
  for (const work of await requestedMoves(remediation, instances))
    proposals.push(await review(remediation, work, options));
  return proposals;
}

/**
 * Moves the data of instances from a folder of the machine to a named volume, one run each; the folder is kept. Instances
 * whose data is in a volume already are left out. Waits for approval unless `yes` is given. A run that ends `stuck` ends
 * the call.
 * @throws ProblemsError `not-found`: there is no such instance. `step-refused`: its data is in no folder.
 * `engine-unreachable`, `state-damaged`, `state-locked`, `state-unwritable`.
 */
export async function moveToNamedVolume(
  opened: Remediation,
  { instances, ...options }: MoveRequest,
): Promise<readonly RunReport[]> {
  const remediation = bindCall(opened, options);
  const reports: RunReport[] = [];
  for (const work of await requestedMoves(remediation, instances)) {
    const report = await submit(remediation, work, options);
    reports.push(report);
    if (report.outcome === 'stuck') break;
  }
  return reports;
}

async function requestedMoves(remediation: Remediation, names: readonly string[]): Promise<readonly RequestedWork[]> {
  const work: RequestedWork[] = [];
  for (const instance of await requireInstances(remediation, names)) {
    const move = await requestMove(instance, remediation.session.reader);
    if (move !== undefined) work.push(move);
  }
  return work;
}
